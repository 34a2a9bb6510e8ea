"""Fixtures: issuer, API and example application, as separate processes on free ports.

A pytest worker starts these processes once. Tests of flow/ and clients/ are in one xdist group (tests/marks.py), so
that only one worker starts them.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from project.launch import environment, processes
from project.launch.environment import Environments
from project.launch.ports import Ports
from project.launch.processes import Child
from tests import prepared
from tests.flow.other_issuer import OtherIssuer, other_issuer
from tests.ports import free

CALLBACK = "/callback"
READY = {"issuer": "/readyz", "api": "/healthz", "webapp": "/healthz"}


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

    @contextmanager
    def without_issuer(self) -> Iterator[None]:
        """Stop the issuer, run the block, and start the issuer again on the same port, even if the block raises."""
        issuer = self.children["issuer"]
        processes.stop([issuer])
        try:
            yield
        finally:
            self.children["issuer"] = serve("issuer", self.variables.issuer, issuer.url, issuer.log.parent)


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[OtherIssuer]:
    with other_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, elsewhere: OtherIssuer) -> Iterator[System]:
    var = prepared.copy(tmp_path_factory)
    where = Ports(free(), free(), free())
    variables = environment.prepare(where, {}, var)
    prepared.set_up(variables, var, where)
    callback = elsewhere.url + CALLBACK
    call_back_at(callback, var / "issuer.sqlite3")
    variables.issuer["RATE_LIMITS"] = "login=1000/60"  # one demo user logs in for every test
    variables.issuer["DJANGO_SETTINGS_MODULE"] = "tests.cheap_passwords"
    variables.api["REVOCATIONS_EVERY"] = "1"
    for own in (variables.issuer, variables.api):
        own |= {"LOG_FORMAT": "json", "ACCESS_LOG": "true"}
    with served(variables, where, var) as children:
        audience = variables.api["API_AUDIENCE"]
        yield System(where.url("issuer"), where.url("api"), audience, callback, variables, children)


@contextmanager
def served(variables: Environments, where: Ports, var: Path) -> Iterator[dict[str, Child]]:
    """Run issuer, API and example application while the block runs. Yield their processes by name.

    `where` has their ports, and `var` is the folder of their logs.
    """
    children: dict[str, Child] = {}
    try:
        for name in READY:
            children[name] = serve(name, getattr(variables, name), where.url(name), var)
        yield children
    finally:
        processes.stop([*children.values()])


def call_back_at(address: str, database: Path) -> None:
    """Register `address` as a further redirect URI of the client `webapp` in the issuer's SQLite file `database`.

    A test can then read the authorization response that is sent to this address.
    """
    with closing(sqlite3.connect(database)) as file, file:
        set_ = "UPDATE tokens_client SET redirect_uris = redirect_uris || ' ' || ? WHERE client_id = 'webapp'"
        assert file.execute(set_, (address,)).rowcount == 1


@pytest.fixture
def api_of(tmp_path: Path, system: System) -> Iterator[Callable[..., str]]:
    """Return a function that starts an API. It takes the URL of the issuer to trust, and returns the API's URL."""
    with further_apis(tmp_path, system) as start:
        yield start


@contextmanager
def further_apis(var: Path, system: System) -> Iterator[Callable[..., str]]:
    started: list[Child] = []

    def start(issuer: str, **changes: str) -> str:
        url = f"http://localhost:{free()}"
        own = {**system.variables.api, "API_ISSUERS": issuer, "API_AUDIENCE": f"{url}/"} | changes
        started.append(serve("api", own, url, var))
        return url

    try:
        yield start
    finally:
        processes.stop(started)


def serve(name: str, own: dict[str, str], url: str, var: Path) -> Child:
    child = processes.start(name, own, url=url, var=var)
    try:
        processes.wait_until_ready(child, READY[name], within=180)
    except processes.Failed:
        processes.stop([child])
        raise
    return child
