"""Fixtures: client metadata documents, at a few hosts that are served without a network."""

import json

import pytest

from tests.tokens.factories import API
from tokens import outbound
from tokens.clients import jwks_uri
from tokens.open_clients import document_fetch
from tokens.outbound import Download, FetchError, StatusError

ADDRESS = "https://app.example/client.json"
CALLBACK = "https://app.example/callback"
DOCUMENT = {"client_id": ADDRESS, "client_name": "Notes viewer", "redirect_uris": [CALLBACK]}
ON = {"CLIENT_ID_METADATA_DOCUMENTS": True, "OPEN_CLIENT_SCOPES": ["notes:read"], "OPEN_CLIENT_APIS": [API]}


class Hosts:
    """The documents of clients, by address. `fetched` has the address of each request, in order."""

    def __init__(self):
        self.documents, self.headers, self.fetched, self.failure = {}, {}, [], None

    def publish(self, address=ADDRESS, /, **changes):
        content = DOCUMENT | {"client_id": address} | changes
        self.documents[address] = {name: value for name, value in content.items() if value is not None}

    def get(self, url, **options):
        assert options.get("allow_private") is not True, "production fetches from public addresses only"
        self.fetched.append(url)
        if self.failure is not None:
            raise self.failure
        if url not in self.documents:
            raise StatusError("host", 404)
        body = self.documents[url]
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Download(text, {"content-type": "application/json"} | self.headers)

    def fail(self, why="timed out"):
        self.failure = FetchError(why)


@pytest.fixture(autouse=True)
def nothing_fetched_before():
    document_fetch.flights.forget()
    jwks_uri.forget()


@pytest.fixture
def turn_on(settings):
    """Return a function that sets members of the setting ISSUER for the rest of the test."""

    def turn(**entries):
        settings.ISSUER = settings.ISSUER | ON | entries

    return turn


@pytest.fixture
def hosts(monkeypatch, turn_on):
    """Permit clients that have a metadata document, and serve one valid document without a network.

    Return the `Hosts` that serve it.
    """
    turn_on()
    hosts = Hosts()
    hosts.publish()
    monkeypatch.setattr(outbound, "get", hosts.get)
    return hosts
