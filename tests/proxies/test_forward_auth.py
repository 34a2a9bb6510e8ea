"""nginx, Caddy and Traefik with the configurations of examples/without_drf/.

The proxies ask the example API to verify the token of each request. The application behind them verifies no tokens.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from project.launch import processes
from project.launch.processes import Child
from resources.testing import Holder
from tests.flow.other_issuer import OtherIssuer, other_issuer
from tests.packages.conftest import packages, resource_server
from tests.packages.test_resource_server import EXAMPLES, SETTINGS
from tests.ports import free
from tests.proxies.servers import running

__all__ = ["packages", "resource_server"]
pytestmark = [pytest.mark.proxies, pytest.mark.xdist_group("proxies")]
FILES = {"nginx": "nginx.conf", "caddyfile": "Caddyfile", "traefik": "traefik.yaml"}
AUDIENCE = "http://localhost:8001/"
HOLDER = Holder()


@dataclass(frozen=True, slots=True)
class Proxied:
    """The URL of a proxy in front of an application, and the issuer whose tokens the proxy accepts."""

    url: str
    issuer: OtherIssuer

    def get(self, token: str | None = None, **headers: str) -> requests.Response:
        return self.call("GET", token, **headers)

    def call(self, method: str, token: str | None = None, **headers: str) -> requests.Response:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, f"{self.url}/a?b=c", headers=bearer | headers, data=b"body", timeout=30)


@pytest.fixture(scope="module")
def issuer() -> Iterator[OtherIssuer]:
    with other_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def application() -> Iterator[int]:
    """Yield the port of an application that answers with the headers and the body of the request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            echo = {"path": self.path, "body": body.decode(), "headers": dict(self.headers)}
            text = json.dumps(echo).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def example_api(python: Path, issuer: str, folder: Path) -> Iterator[int]:
    """Run the example API, which the proxy asks about each request, while the block runs. Yield its port."""
    port, log = free(), folder / "example.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "ISSUER_URL": issuer, "API_AUDIENCE": AUDIENCE} | SETTINGS,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    child = Child("example", f"http://127.0.0.1:{port}", log, process)
    try:
        processes.wait_until_ready(child, "/healthz", within=60)
        yield port
    finally:
        processes.stop([child])


@contextmanager
def proxied(language: str, ports: tuple[int, int], folder: Path, issuer: OtherIssuer) -> Iterator[Proxied]:
    """Run a proxy with its configuration of examples/without_drf/ while the block runs.

    `language` is the proxy's key in FILES. `ports` are the ports of the example API and of the application. `issuer` is
    the issuer whose tokens the API accepts.
    """
    folder.chmod(0o755)
    port = free()
    config = (EXAMPLES / "without_drf" / FILES[language]).read_text(encoding="utf-8")
    for documented, used in zip(("127.0.0.1:8001", "127.0.0.1:9000"), ports, strict=True):
        assert documented in config
        config = config.replace(documented, f"127.0.0.1:{used}")
    config = config.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    if language == "caddyfile":
        config = "{\n}\n" + config  # the global options, to which `running` adds its own
    proxy = Proxied(f"http://127.0.0.1:{port}", issuer)

    def ready() -> bool:
        try:
            return proxy.get().status_code != 404  # Traefik's, before it has read its routes
        except requests.ConnectionError:
            return False

    with running(language, config, folder, port, ready):
        yield proxy


@pytest.fixture(scope="module", params=FILES)
def proxy(
    request: pytest.FixtureRequest,
    issuer: OtherIssuer,
    application: int,
    resource_server: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("proxy")
    with (
        example_api(resource_server, issuer.url, folder) as example,
        proxied(request.param, (example, application), folder, issuer) as proxy,
    ):
        yield proxy


def test_a_request_with_a_good_token_reaches_the_application_with_the_identity(proxy: Proxied) -> None:
    answer = proxy.call("POST", proxy.issuer.token(AUDIENCE))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["path"], body["body"]) == ("/a?b=c", "body")
    names = {name.lower(): value for name, value in body["headers"].items()}
    assert {name: value for name, value in names.items() if name.startswith("x-keyturn-")} == {
        "x-keyturn-subject": "ada",
        "x-keyturn-client": "app",
        "x-keyturn-issuer": proxy.issuer.url,
        "x-keyturn-scope": "notes:read",
    }
    assert "authorization" not in names


def test_requests_without_a_token_or_with_a_bad_one_get_401_with_one_challenge(proxy: Proxied) -> None:
    good = proxy.issuer.token(AUDIENCE)
    for token in (None, f"{good}x", proxy.issuer.token("https://other.example/"), f"{good} {good}", "x"):
        answer = proxy.get(token)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].count("Bearer ") == 1
        assert ("error=" in answer.headers["WWW-Authenticate"]) == (token is not None)


def test_a_token_without_the_scope_gets_403_with_the_challenge(proxy: Proxied) -> None:
    answer = proxy.get(proxy.issuer.token(AUDIENCE, scope="other"))
    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"].count('error="insufficient_scope"') == 1


@pytest.mark.parametrize(
    "name", ["X-Keyturn-Subject", "x-keyturn-scope", "X_Keyturn_Subject", "X-Keyturn_Subject", "x_keyturn-Subject"]
)
def test_the_application_never_sees_an_identity_that_the_client_sent(proxy: Proxied, name: str) -> None:
    answer = proxy.get(proxy.issuer.token(AUDIENCE), **{name: "admin"})
    assert answer.status_code in {200, 403}
    assert "admin" not in answer.text
    assert proxy.get(None, **{name: "admin"}).status_code in {401, 403}


def test_a_bound_token_reaches_the_application_with_a_proof_for_the_request_of_the_client(proxy: Proxied) -> None:
    bound = proxy.issuer.token(AUDIENCE, cnf=HOLDER.cnf)

    def call(htm: str, path: str, **headers: str) -> int:
        proof = HOLDER.proof(htm, AUDIENCE.rstrip("/") + path, bound)
        return proxy.call("POST", **{"Authorization": f"DPoP {bound}", "DPoP": proof} | headers).status_code

    assert call("POST", "/a") == 200
    assert call("GET", "/a") == 401
    assert call("POST", "/forward-auth/") == 401
    assert call("GET", "/forward-auth/") == 401
    assert proxy.call("POST", bound).status_code == 401


def test_a_client_cannot_name_another_request_for_its_proof(proxy: Proxied) -> None:
    bound = proxy.issuer.token(AUDIENCE, cnf=HOLDER.cnf)
    forged = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/other"}
    for headers in (forged, {name.replace("-", "_"): value for name, value in forged.items()}):
        proof = HOLDER.proof("GET", f"{AUDIENCE}other", bound)
        answer = proxy.call("POST", **{"Authorization": f"DPoP {bound}", "DPoP": proof} | headers)
        assert answer.status_code == 401


@pytest.mark.parametrize("language", FILES)
def test_a_request_that_cannot_be_decided_gets_503(
    language: str, issuer: OtherIssuer, application: int, resource_server: Path, tmp_path: Path
) -> None:
    nowhere = f"http://localhost:{free()}"
    lost = OtherIssuer(nowhere, issuer.private)
    with (
        example_api(resource_server, nowhere, tmp_path) as example,
        proxied(language, (example, application), tmp_path, lost) as proxy,
    ):
        answer = proxy.get(lost.token(AUDIENCE))
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
