"""The WSGI environ (PEP 3333) of a request whose headers were screened and whose body was read."""

import sys
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

Scope = Mapping[str, Any]
HOP_BY_HOP = frozenset({"transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer"})
PROTOCOLS = {"1": "HTTP/1.0", "1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2"}


def environ(scope: Scope, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the WSGI environ of a request. It contains no environment variable of the process."""
    path = scope.get("raw_path") or scope["path"].encode()
    server, client = scope.get("server") or ("", ""), scope.get("client") or ("", "")
    values: dict[str, Any] = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": PROTOCOLS.get(scope["http_version"], "HTTP/1.1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        if name not in HOP_BY_HOP:
            values[_key(name)] = value
    if body or "content-length" in headers:
        values["CONTENT_LENGTH"] = str(len(body))  # also for a chunked body, whose length is known after it was read
    return values


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
