"""The wheel of the issuer in an empty environment.

Its command `keyturn` migrates, makes keys, serves and sends spans.
"""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from project.launch import processes
from project.launch.check import production
from project.launch.processes import Child
from tests.packages.environments import installed, run, wheel
from tests.ports import free
from tests.services.conftest import wait_for
from tokens import __version__

pytestmark = [pytest.mark.packages, pytest.mark.processes, pytest.mark.xdist_group("packages")]


@pytest.fixture(scope="module")
def command(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = installed(tmp_path_factory.mktemp("issuer") / "venv", f"{wheel(packages, 'keyturn')}[otel]")
    return python.with_name("keyturn")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a working directory in which an operator's packages have the same names as packages of the issuer.

    An import of one of the operator's packages raises ImportError.
    """
    folder = tmp_path_factory.mktemp("operator")
    for name in ("tokens", "project", "resources"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise ImportError('the package of the operator')")
    return folder


@pytest.fixture(scope="module")
def variables(folder: Path) -> dict[str, str]:
    made = production("project.settings.issuer") | {
        "DATABASE_URL": f"sqlite:///{folder}/issuer.sqlite3",
        "ISSUER_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "localhost",
        "CACHE_URL": "",
        "DEBUG": "true",
    }
    del made["DJANGO_SETTINGS_MODULE"]
    return made


@pytest.fixture(scope="module")
def served(command: Path, folder: Path, variables: dict[str, str]) -> Iterator[str]:
    run(command, "migrate", "--verbosity", "0", folder=folder, **variables)
    run(command, "rotate_keys", folder=folder, **variables)
    with serving(command, folder, variables) as url:
        yield url


@contextmanager
def serving(command: Path, folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """Run `keyturn serve` in the folder, and yield its URL."""
    port = free()
    url, log = f"http://localhost:{port}", folder / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [command, "serve", str(port)],
            cwd=folder,
            env={"PATH": os.environ["PATH"]} | variables,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    child = Child("issuer", url, log, process)
    try:
        processes.wait_until_ready(child, "/readyz", within=180)
        yield url
    finally:
        processes.stop([child])


def test_the_command_serves_keys_metadata_and_pages(served: str) -> None:
    assert len(requests.get(f"{served}/.well-known/jwks.json", timeout=30).json()["keys"]) == 2
    metadata = requests.get(f"{served}/.well-known/openid-configuration", timeout=30).json()
    assert metadata["issuer"] == "http://localhost:8000"
    page = requests.get(f"{served}/accounts/login/", timeout=30)
    assert (page.status_code, "/static/tokens/keyturn" in page.text) == (200, True)
    assert requests.get(f"{served}/static/tokens/keyturn.css", timeout=30).status_code == 200


@pytest.fixture
def spans() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the address of an OpenTelemetry collector, and the exports that it has received (Protocol Buffers)."""
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                received.append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://localhost:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_command_sends_its_spans_to_a_collector(
    served: str, command: Path, folder: Path, variables: dict[str, str], spans: tuple[str, list[bytes]]
) -> None:
    endpoint, received = spans
    traced = {"OTEL_TRACES": "true", "OTEL_SERVICE_NAME": "keyturn-issuer", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    at_once = {"OTEL_EXPORTER_OTLP_COMPRESSION": "none", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with serving(command, folder, variables | traced | at_once) as url:
        requests.get(f"{url}/accounts/login/", timeout=30)
        wait_for(lambda: any(b"GET account" in export for export in received), within=30)
    assert all(b"keyturn-issuer" in export for export in received)


def test_the_command_registers_clients(served: str, command: Path, folder: Path, variables: dict[str, str]) -> None:
    grant = ("--grant", "client_credentials", "--json")
    made = run(command, "create_client", "--name", "Report", *grant, folder=folder, **variables)
    assert '"client_id"' in made


def test_the_command_names_a_missing_variable(command: Path, folder: Path) -> None:
    done = subprocess.run([command, "check"], cwd=folder, capture_output=True, text=True, check=False, env={})
    assert done.returncode == 1
    assert done.stderr.startswith("SECRET_KEY is not set.")
    assert "Traceback" not in done.stderr


def test_the_version_is_that_of_the_package(command: Path, folder: Path, variables: dict[str, str]) -> None:
    assert run(command, "rotate_keys", "--version", folder=folder, **variables) == f"{__version__}\n"


def test_other_programs_of_the_environment_see_no_general_name(command: Path, tmp_path: Path) -> None:
    program = "import importlib.util as u; print([n for n in ('tokens', 'project', 'resources') if u.find_spec(n)])"
    assert run(command.with_name("python"), "-c", program, folder=tmp_path) == "[]\n"
