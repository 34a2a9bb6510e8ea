"""A client's website on loopback: a page that opens the login in a popup, and a redirect URI that records requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from tests.ports import free

# The button opens the address in its fragment. `opener` of the popup says at the end whether it still exists.
OPENER = """<!doctype html><title>Opener</title><button onclick="
window.popup = window.open(decodeURIComponent(location.hash.slice(1)), 'login', 'width=500,height=600')">Log in</button>
<p id="said">nothing</p><script>addEventListener('message', event => {
document.getElementById('said').textContent = event.data + (window.popup.closed ? ', closed' : ', open') })</script>"""
LANDED = """<!doctype html><title>Landed</title><p>Landed</p><script>
if (window.opener) window.opener.postMessage('the popup answered', '*')</script>"""


@dataclass
class Receiver:
    """The website of a client. `received` has method and parameters of each request to its redirect URI."""

    port: int
    received: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Serve the client's website in a thread while the block runs."""
    site = Receiver(free())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/callback":
                site.received.append(("GET", dict(parse_qsl(parts.query))))
            self._show(LANDED if parts.path == "/callback" else OPENER)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.received.append(("POST", dict(parse_qsl(body))))
            self._show(LANDED)

        def _show(self, html: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", site.port), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield site
        finally:
            server.shutdown()
