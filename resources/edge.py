"""Detects requests with a body of unknown length, or with a repeated header for the URL scheme. Pure."""

from collections.abc import Mapping
from typing import Any

SENDS_BODIES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
UNANNOUNCED = ("HTTP/2", "HTTP/3")  # protocols in which a body needs neither Content-Length nor Transfer-Encoding


def is_length_unknown(environ: Mapping[str, Any]) -> bool:
    """Return True if the request can have a body, but has no Content-Length. Django treats such a body as empty."""
    if environ.get("CONTENT_LENGTH"):
        return False
    is_chunked = bool(environ.get("HTTP_TRANSFER_ENCODING"))
    is_unannounced = str(environ.get("SERVER_PROTOCOL", "")).startswith(UNANNOUNCED)
    return is_chunked or (is_unannounced and environ.get("REQUEST_METHOD") in SENDS_BODIES)


def is_scheme_twice(environ: Mapping[str, Any], header: tuple[str, str] | None) -> bool:
    """Return True if the header by which the proxy reports the URL scheme has two values.

    One of the two values is then from the client, the other from the proxy. `header` is SECURE_PROXY_SSL_HEADER.
    """
    return header is not None and "," in str(environ.get(header[0], ""))
