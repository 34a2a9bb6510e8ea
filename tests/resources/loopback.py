"""A server on loopback whose answers a test defines. It acts as a correct or a faulty issuer."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from resources.outbound.fetch import Bounds

Answer = Callable[[BaseHTTPRequestHandler], None]


def within(seconds: float) -> Bounds:
    """Return the limits of a request whose deadline is `seconds` from now."""
    return Bounds(time.monotonic() + seconds, time.monotonic)


class Loopback:
    """An issuer on a free port of loopback.

    `answers` maps paths to functions that answer requests. `seen` records every request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.released = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                loopback.seen.append((self.command, self.path, headers))
                try:
                    loopback.answers.get(self.path, status(404))(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(poll_interval=0.02), daemon=True)
        self.thread.start()

    def publish(self, jwks: Any, **headers: str) -> None:
        """Publish the JWKS, and metadata that names its URL, as a correct issuer does."""
        self.answers["/.well-known/oauth-authorization-server"] = document(
            {"issuer": self.url, "jwks_uri": self.url + "/jwks.json"}
        )
        self.answers["/jwks.json"] = document(jwks, **headers)

    def fetches(self, path: str = "/jwks.json") -> int:
        """Return the number of requests for `path` so far."""
        return sum(1 for _, seen, _ in self.seen if seen == path)

    def stop(self) -> None:
        """Close the port, so that later connections are refused."""
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Yield a loopback server, and stop it after the test."""
    server = Loopback()
    try:
        yield server
    finally:
        if not server.released.is_set():
            server.stop()


def raw(body: bytes, *, code: int = 200, **headers: str) -> Answer:
    """Return a function that answers a request with these bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **fields}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def document(value: Any, **headers: str) -> Answer:
    """Return a function that answers a request with `value` as JSON."""
    return raw(json.dumps(value).encode(), **{"Content-Type": "application/json", **headers})


def status(code: int, **headers: str) -> Answer:
    """Return a function that answers a request with a status and no body."""
    return raw(b"", code=code, **headers)
