"""A TLS proxy in front of the issuer. It can remove keys from the JWKS, and counts requests by path and by client."""

import base64
import http.client
import json
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

JWKS, TOKEN = "/.well-known/jwks.json", "/oauth/token"
PER_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"})


class Front:
    """The TLS proxy in front of the issuer. It removes the keys whose kids are in `withdrawn` from the JWKS.

    `seen` counts requests by path. `clients` counts token requests by the client_id in the Authorization header.
    """

    def __init__(self, certificate: Path, upstream: int, port: int) -> None:
        self.seen: Counter[str] = Counter()
        self.clients: Counter[str] = Counter()
        self.withdrawn: set[str] = set()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                front.seen[path] += 1
                if path == TOKEN:
                    front.clients[client_id(self.headers.get("Authorization", ""))] += 1
                status, headers, body = front.forward(self, upstream)
                if path == JWKS and front.withdrawn:
                    body = front.without(body)
                    headers = [(name, value) for name, value in headers if name.lower() != "etag"]
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def finish_request(self, request: Any, client_address: Any) -> None:
                request.do_handshake()  # in the thread of the connection: a slow client delays no other
                super().finish_request(request, client_address)

            def handle_error(self, *_: Any) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    @staticmethod
    def forward(handler: BaseHTTPRequestHandler, upstream: int) -> tuple[int, list[tuple[str, str]], bytes]:
        """Forward the request to the issuer. Return status, headers and body of the issuer's answer."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in PER_HOP}
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
        connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=60)
        try:
            connection.request(handler.command, handler.path, body or None, headers)
            answer = connection.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in PER_HOP]
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def without(self, jwks: bytes) -> bytes:
        """Return the JSON document `jwks` without the withdrawn keys."""
        keys = [key for key in json.loads(jwks)["keys"] if key["kid"] not in self.withdrawn]
        return json.dumps({"keys": keys}).encode()

    def fetches(self, path: str = JWKS) -> int:
        """Return the number of requests for the path so far. The default is the path of the JWKS."""
        return self.seen[path]

    @contextmanager
    def without_key(self, kid: str) -> Iterator[None]:
        """Remove the key `kid` from the JWKS while the block runs, as if the key had been revoked."""
        self.withdrawn.add(kid)
        try:
            yield
        finally:
            self.withdrawn.discard(kid)


def client_id(authorization: str) -> str:
    """Return the client_id in an Authorization header with HTTP Basic (RFC 6749 section 2.3.1).

    Returns "" for any other header.
    """
    scheme, _, credentials = authorization.partition(" ")
    basic = base64.b64decode(credentials).decode() if scheme.lower() == "basic" else ""
    return unquote_plus(basic.partition(":")[0])


@contextmanager
def front(certificate: Path, *, upstream: int, port: int) -> Iterator[Front]:
    """Serve the TLS proxy on `port` of loopback while the block runs. The issuer listens on the port `upstream`."""
    made = Front(certificate, upstream, port)
    threading.Thread(target=lambda: made.server.serve_forever(poll_interval=0.05), daemon=True).start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
