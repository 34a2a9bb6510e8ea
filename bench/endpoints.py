"""The rows of `bench.growth`: requests to each endpoint of one issuer.

The requests of a row are sent one after the other on one connection.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

import psycopg
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from bench import admin_lists, fixtures, rows, servers, tables
from bench.issuers import SHELL, Served
from bench.load import Client
from bench.revocation_rows import arrive
from bench.rows import CALLBACK, CHALLENGE, TOKEN, App, Prepare, Row, basic, request
from bench.servers import Server
from bench.shared import FEED, JWKS
from tests.tokens.feed_reader import claims_of

EACH = 120
"""The number of requests per round for a row whose requests each use up a code, an assertion or a token."""


@dataclass(frozen=True, slots=True)
class World:
    """An issuer, and the credentials for the requests to it: clients, keys, tokens and a session."""

    server: Server
    app: App
    key: ec.EllipticCurvePrivateKey
    web_secret: str
    refreshing: str
    """A refresh token of the client `web`, which does not rotate."""
    cookie: str
    """The header Cookie of an administrator's session."""


def registered(served: Served, name: str, *, rounds: int) -> World:
    """Register clients, authorization codes for `rounds` rounds, and an administrator at the issuer `served`.

    Returns the World with their credentials. `name` is the name of the server in the output.
    """
    key, codes = ec.generate_private_key(ec.SECP256R1()), EACH * rounds
    given = {"jwks": tables.key_set(key), "callback": CALLBACK, "challenge": CHALLENGE, "users": 1, "codes": codes}
    first = json.loads(served.issuer.run(*SHELL, fixtures.REGISTER.format(given=json.dumps(given))).splitlines()[-1])
    secret, refreshing = json.loads(served.issuer.run(*SHELL, fixtures.WEB).splitlines()[-1])
    served.issuer.run(*SHELL, admin_lists.ADMINISTRATOR)
    with requests.Session() as session:
        admin_lists.log_in(served, session)
        cookie = "; ".join(f"{each.name}={each.value}" for each in session.cookies)
    server = servers.of(served, name)
    return World(server, App(server, first, codes), key, secret, refreshing, cookie)


def of(world: World) -> Iterator[Row]:
    """Yield the rows of the issuer, each of which is one kind of request."""
    server, web = world.server, basic(world.web_secret, client="web")
    renewed = urlencode({"grant_type": "refresh_token", "refresh_token": world.refreshing})
    shown = urlencode({"token": world.refreshing})
    yield Row("token", server, first_client(tables.signed(server, "RS256")))
    yield Row(
        "token, private_key_jwt", server, first_client(rows.each(lambda: rows.assertions(server, world.key, EACH)))
    )
    yield Row("code exchange", server, first_client(rows.each(lambda: world.app.redeem(EACH))))
    yield Row("refresh", server, repeated(request("POST", TOKEN, web, renewed)))
    yield Row("refresh, with rotation", server, first_client(world.app.refresh))
    yield Row("introspection of a JWT", server, first_client(lambda: tables.introspecting(server, "/oauth/introspect")))
    yield Row("introspection of a refresh token", server, repeated(request("POST", "/oauth/introspect", web, shown)))
    yield Row("revocation", server, first_client(rows.each(lambda: islice(tables.revocations(server), EACH))))
    yield Row("feed, unchanged", server, lambda: unchanged(server), (304,))
    yield Row("feed, a new revocation", server, lambda: [changed(server)])
    yield Row("JWKS", server, repeated(request("GET", JWKS)))
    pages = {"audit events": admin_lists.EVENT, "users": admin_lists.USER, "clients": admin_lists.CLIENT}
    for name, path in pages.items():
        yield Row(f"admin: {name}", server, repeated(request("GET", path, {"Cookie": world.cookie})))


def first_client(prepare: Prepare) -> Prepare:
    """Return a function that calls `prepare`, and returns a list with only the first client of the result."""
    return lambda: prepare()[:1]


def repeated(sent: bytes) -> Prepare:
    """Return a function that returns a list with one client. The client sends the request `sent` repeatedly."""
    return first_client(rows.same(sent))


def unchanged(server: Server) -> Sequence[Client]:
    """Return a list with one client. The client polls repeatedly with the feed's current version, and gets 304."""
    version = current(server)
    return repeated(request("GET", f"{FEED}?since={version}", {"If-None-Match": f'W/"{version}"'}))()


def changed(server: Server) -> Client:
    """Yield polls of the feed without end. Before each poll, revoke a token, which is the new entry of the poll."""
    version = current(server)
    with psycopg.connect(server.database, autocommit=True) as connection:
        while True:
            arrive(connection, [uuid.uuid4().hex])
            answer = yield request("GET", f"{FEED}?since={version}")
            claims = claims_of(answer.body.decode())
            assert claims["since"] == version, "the issuer sent its full state"
            version = claims["version"]


def current(server: Server) -> str:
    """Poll the feed until all waiting revocations are published, and return the version of the feed."""
    while True:
        claims = claims_of(requests.get(server.url + FEED, timeout=60).text)
        if not claims.get("more"):
            return str(claims["version"])
