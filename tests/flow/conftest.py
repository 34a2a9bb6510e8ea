"""An issuer and APIs as separate processes on free ports, each with its own environment and database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from project.launch import environment, processes
from project.launch.environment import Environments
from project.launch.ports import Ports
from project.launch.processes import Child
from tests.flow.stranger import Stranger, stranger
from tests.ports import free

CALLBACK = "/callback"


@dataclass(frozen=True, slots=True)
class System:
    """The processes of a test, their addresses, and the credentials of the demo clients."""

    issuer: str
    api: str
    audience: str
    callback: str
    variables: Environments
    children: dict[str, Child]

    def call(self, method: str, path: str, token: str | None = None, **arguments: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, self.api + path, headers=headers, timeout=60, **arguments)


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Stranger]:
    with stranger() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def start_system(tmp_path_factory: pytest.TempPathFactory, elsewhere: Stranger) -> Iterator[Callable[[], System]]:
    started: list[Child] = []

    def start(*, application: bool = False, **api: str) -> System:
        """Start issuer and API, and with `application` the example application. `api` adds to the API's environment."""
        var = tmp_path_factory.mktemp("var")
        where = Ports(free(), free(), free())
        variables = environment.prepare(where, {}, var)
        processes.command(variables.api, "migrate", "--verbosity", "0")
        processes.command(variables.issuer, "migrate", "--verbosity", "0")
        processes.command(
            variables.issuer,
            *("demo_setup", "--credentials", str(var / "demo.env")),
            *("--api-audience", variables.api["API_AUDIENCE"]),
            *("--webapp-url", where.url("webapp") if application else elsewhere.url),
        )
        variables.issuer["RATE_LIMITS"] = "login=1000/60"  # every test logs in as the same user
        variables.api.update(api)
        names = ("issuer", "api", "webapp") if application else ("issuer", "api")
        children = {name: serve(name, getattr(variables, name), where.url(name), var) for name in names}
        started.extend(children.values())
        audience = variables.api["API_AUDIENCE"]
        return System(where.url("issuer"), where.url("api"), audience, elsewhere.url + CALLBACK, variables, children)

    yield start
    processes.stop(started)


@pytest.fixture(scope="session")
def system(start_system: Callable[[], System]) -> System:
    return start_system()


@pytest.fixture(scope="session")
def api_of(tmp_path_factory: pytest.TempPathFactory, system: System) -> Iterator[Callable[..., str]]:
    """Yield a function that starts an API which trusts the issuer at a URL, and returns the API's URL."""
    started: list[Child] = []

    def start(issuer: str, **changes: str) -> str:
        url = f"http://localhost:{free()}"
        own = {**system.variables.api, "API_ISSUERS": issuer, "API_AUDIENCE": f"{url}/"} | changes
        started.append(serve("api", own, url, tmp_path_factory.mktemp("var")))
        return url

    yield start
    processes.stop(started)


def serve(name: str, own: dict[str, str], url: str, var: Path) -> Child:
    child = processes.start(name, own, url=url, var=var)
    processes.wait_until_ready(child, {"issuer": "/readyz"}.get(name, "/healthz"), within=180)
    return child
