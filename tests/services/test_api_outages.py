"""The PostgreSQL of an API is frozen, stopped or read-only.

Views of the API that need the database answer 503. The other views work.
"""

import http.client
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from resources.testing import SigningKey, jwks, mint
from tests.resources.api_process import ROOT, Api, api
from tests.resources.loopback import Loopback
from tests.services.cluster import Cluster, cluster
from tests.services.conftest import wait_for
from tests.services.outages import WITHIN
from tests.services.test_postgresql_outages import stopped

pytestmark = [pytest.mark.services, pytest.mark.outage, pytest.mark.xdist_group("api outages")]

AUDIENCE = "http://localhost:8001/"
KEY = SigningKey()
NOTE = '{"title": "x"}'


@dataclass(frozen=True, slots=True)
class Notes:
    """A running API for notes, its database server, and a user's token for the API."""

    api: Api
    cluster: Cluster
    token: str

    def ask(self, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
        """Send a request to the API, read the body of the answer, and return the answer.

        Fails if the answer took longer than WITHIN seconds.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"X-Forwarded-Proto": "https"}
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.api.port, timeout=4 * WITHIN)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
        assert time.monotonic() - started < WITHIN, f"{path} was answered late, by {response.status}"
        return response

    def read(self) -> int:
        return self.ask("GET", "/api/notes/").status


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    folder, issuer = tmp_path_factory.mktemp("api"), Loopback()
    try:
        issuer.publish(jwks(KEY))
        with cluster() as server:
            variables = {"API_DATABASE_URL": server.address, "REVOCATIONS_EVERY": "0"}
            migrate(folder, issuer.url, variables)
            token = mint(key=KEY, iss=issuer.url, aud=AUDIENCE, scope="notes:read notes:write")
            with api(folder, issuers=issuer.url, audience=AUDIENCE, **variables) as running:
                yield Notes(running, server, token)
    finally:
        issuer.stop()


def migrate(folder: Path, issuer: str, variables: dict[str, str]) -> None:
    own = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "project.settings.api",
        "DEBUG": "true",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_ISSUERS": issuer,
        "API_AUDIENCE": AUDIENCE,
        **variables,
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=own, check=True)


@pytest.fixture(autouse=True)
def recovered(notes: Notes) -> Iterator[None]:
    wait_for(lambda: notes.read() == 200)
    yield
    wait_for(lambda: notes.read() == 200)


@pytest.mark.parametrize("outage", [Cluster.frozen, stopped], ids=["frozen", "stopped"])
def test_a_view_that_needs_the_database_is_503_and_one_that_does_not_is_served(notes: Notes, outage) -> None:
    with outage(notes.cluster):
        for _ in range(2):
            refused = notes.ask("GET", "/api/notes/")
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
            assert refused.headers["Content-Type"] == "application/json"
            assert notes.ask("GET", "/api/whoami/").status == 200


def test_a_read_only_database_is_read_and_not_written(notes: Notes) -> None:
    with notes.cluster.configured(default_transaction_read_only="on"):
        wait_for(lambda: notes.ask("POST", "/api/notes/", NOTE).status == 503)
        assert notes.read() == 200
    wait_for(lambda: notes.ask("POST", "/api/notes/", NOTE).status == 201)
