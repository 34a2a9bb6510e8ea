"""Serves /metrics from the main process, on a port of its own, with the values of all worker processes together.

- The worker processes write their values into files in a folder that only this server's user can read
  (prometheus_client's multiprocess mode). The main process reads the files for each answer.
- A counter includes the values of workers that have ended. A gauge includes running workers only.
- Only the networks of METRICS_FROM get an answer. Only GET /metrics is served.
"""

import ipaddress
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
WITHIN = 5.0  # seconds for a request's header
LIVE = re.compile(r"gauge_live\w+_(\d+)\.db")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class MetricsPort:
    """The address and port that expose metrics, and the networks whose clients may read them."""

    address: str
    port: int
    networks: Sequence[Network]


def start(place: MetricsPort) -> "ThreadingHTTPServer":
    """Start the server of /metrics, for the workers that this process starts later. Return the server.

    Exits if the port cannot be used or prometheus_client is missing. Call this function before the workers start,
    because it creates the folder into which they write.
    """
    os.environ[FOLDER] = folder = tempfile.mkdtemp(prefix="keyturn-metrics-")
    try:
        import prometheus_client.multiprocess  # noqa: F401, PLC0415 (optional; it reads the variable)
    except ImportError:
        sys.exit("Not served: METRICS_PORT needs prometheus_client. Install the extra `metrics`.")
    try:
        server = Exposition(place, Path(folder))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(f"Not served: METRICS_PORT {place.port} cannot be used: {error.strerror}.")
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def stop(server: "ThreadingHTTPServer") -> None:
    """Stop the server, and delete the folder in which the workers wrote their metrics."""
    server.shutdown()
    server.server_close()
    if isinstance(server, Exposition):
        shutil.rmtree(server.folder, ignore_errors=True)


class Exposition(ThreadingHTTPServer):
    """The server of /metrics, and the folder in which the workers write their metrics."""

    daemon_threads = True

    def __init__(self, place: MetricsPort, folder: Path) -> None:
        self.networks, self.folder = place.networks, folder
        if ":" in place.address:
            self.address_family = socket.AF_INET6
        super().__init__((place.address, place.port), _Handler)

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        """Return True if METRICS_FROM contains the client's address.

        Otherwise, the server closes the connection without starting a thread for it.
        """
        return is_within(client_address[0], self.networks)

    def handle_error(self, _request: Any, _client: Any) -> None:
        """Ignore an error, such as a connection that the client closed."""


class _Handler(BaseHTTPRequestHandler):
    """The handler of one request for /metrics."""

    server: Exposition
    timeout = WITHIN
    server_version, sys_version = "Keyturn", ""

    def do_GET(self) -> None:
        """Answer with the metrics. `verify_request` has checked the address before."""
        if self.path.partition("?")[0] != "/metrics":
            self._answer(404, b"Only /metrics is here.\n")
        else:
            kind, body = exposed(self.server.folder)
            self._answer(200, body, kind)

    def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, _format: str, *_arguments: object) -> None:
        """Log nothing."""
        # Metrics are scraped every few seconds, and each scrape would log a line.


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Return True if the address is in one of the networks. An IPv4 address that is mapped into IPv6 counts as IPv4."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in networks)


def exposed(folder: Path) -> tuple[str, bytes]:
    """Return the content type and the text of all workers' metrics."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    delete_exited(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return CONTENT_TYPE_LATEST, generate_latest(registry)


def delete_exited(folder: Path) -> None:
    """Delete the gauges of worker processes that have ended. Their counters remain."""
    for file in folder.iterdir():
        if (match := LIVE.fullmatch(file.name)) and not _is_running(int(match[1])):
            file.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    with suppress(PermissionError):  # the process runs, as another user
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
