"""The API as in production: a separate process under granian with its own environment and log file."""

import http.client
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 180.0  # seconds until a process that does not come up is a failure


@dataclass(frozen=True, slots=True)
class Api:
    """A running API process."""

    port: int
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()


@contextmanager
def api(
    tmp_path: Path,
    *,
    issuers: str,
    audience: str = "http://localhost:8001/",
    interface: str = "wsgi",
    workers: int = 1,
    threads: int = 8,
    **environment: str,
) -> Iterator[Api]:
    """Run the API, which trusts `issuers`, until the block ends.

    The API does not inherit the environment of this process.
    """
    port, log = free(), tmp_path / "api.log"
    variables = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "project.settings.api",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "127.0.0.1",
        "BEHIND_PROXY": "true",
        "API_ISSUERS": issuers,
        "API_AUDIENCE": audience,
        "API_DATABASE_URL": f"sqlite:///{tmp_path / 'api.sqlite3'}",
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    command = [sys.executable, "-m", "granian", "--host", "127.0.0.1", "--port", str(port)]
    application = {"wsgi": "resources.wsgi:application", "asgi": "tests.resources.asgi:application"}[interface]
    blocking = ["--blocking-threads", str(threads)] if interface == "wsgi" else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *blocking, "--interface", interface, "--workers", str(workers), application],
            cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    running = Api(port, log, process)
    try:
        _wait(running)
        yield running
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def _wait(running: Api) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert running.process.poll() is None, running.log.read_text()
        try:
            if running.get("/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(running.log.read_text())
