"""The rows of each server of `make bench`."""

import json
from collections.abc import Callable, Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from bench import rows
from bench.load import Client, drive
from bench.rows import App, Row, basic, client_credentials, each, request, same
from bench.servers import Server

JWKS, METADATA = "/.well-known/jwks.json", "/.well-known/openid-configuration"
NOT_MODIFIED = (304,)
BATCH = 250
"""Requests of a row in one round that cannot be repeated: each uses up a code, an assertion or a token."""


def issuer(server: Server, app: App, key: ec.EllipticCurvePrivateKey, unchanged: tuple[int, ...]) -> Iterator[Row]:
    """Yield the rows of an issuer of ours. `unchanged` are the statuses of a document that the client has already."""
    yield Row("token RS256", server, same(client_credentials(server)))
    yield Row("token ES256", server, same(client_credentials(server, scope="fast:read")))
    yield Row("token, private_key_jwt", server, each(lambda: rows.assertions(server, key, BATCH)))
    yield Row("token exchange", server, app.exchange)
    yield Row("token, wrong secret", server, same(client_credentials(server, wrong="x")), (401,))
    yield Row("code exchange", server, each(lambda: app.redeem(BATCH)))
    yield Row("refresh", server, app.refresh)
    yield Row("introspection", server, lambda: introspecting(server, "/oauth/introspect"))
    yield Row("revocation", server, each(lambda: revocations(server)))
    for name, path in {"JWKS": JWKS, "metadata": METADATA}.items():
        yield Row(f"{name} 200", server, same(request("GET", path)))
        yield Row(f"{name} 304", server, known(server, path), unchanged)


def introspecting(server: Server, path: str) -> Sequence[Client]:
    """Return clients that ask about a fresh token of the client `service`."""
    (token,) = rows.tokens(server, 1)
    return same(request("POST", path, basic(server.secret), f"token={token}"))()


def revocations(server: Server) -> Iterator[bytes]:
    """Return requests that revoke a fresh access token each."""
    for token in rows.tokens(server, BATCH):
        yield request("POST", "/oauth/revoke", basic(server.secret), f"token={token}")


def known(server: Server, path: str) -> Callable[[], Sequence[Client]]:
    """Return clients that have the document already. A build that gives it no ETag answers 200."""

    def prepare() -> Sequence[Client]:
        tags = []

        def client() -> Client:
            answer = yield request("GET", path)
            tags.append(answer.head.lower().partition(b"\r\netag: ")[2].partition(b"\r\n")[0].decode())

        drive(server.url, [client()], seconds=60)
        return same(request("GET", path, {"If-None-Match": tags[0]} if tags[0] else {}))()

    return prepare


def toolkit(server: Server) -> Iterator[Row]:
    """Yield the rows of the plain toolkit."""
    yield Row("toolkit token", server, same(client_credentials(server, path="/o/token/")))


def provider(server: Server) -> Iterator[Row]:
    """Yield the rows of node oidc-provider."""
    form = "grant_type=client_credentials&scope=notes%3Aread"
    sent = request("POST", "/token", basic(server.secret, client="robot"), form)
    yield Row("oidc-provider token", server, same(sent))


def api(server: Server, issuer: Server) -> Iterator[Row]:
    """Yield the rows of the API and of the libraries beside it. `issuer` issues their tokens."""
    yield Row("DRF floor", server, same(request("GET", "/ping")))
    paths = {"verify": "/checked", "verify, whoami": "/api/whoami/", "PyJWKClient": "/pyjwk", "simplejwt": "/simplejwt"}
    for name, path in paths.items():
        yield Row(name, server, bearer(issuer, path))


def express(server: Server, issuer: Server) -> Iterator[Row]:
    """Yield the row of express-oauth2-jwt-bearer."""
    yield Row("express-oauth2-jwt-bearer", server, bearer(issuer, "/"))


def bearer(issuer: Server, path: str) -> Callable[[], Sequence[Client]]:
    """Return clients that send a fresh token each."""

    def client(token: str) -> Client:
        sent = request("GET", path, {"Authorization": f"Bearer {token}"})
        while True:
            yield sent

    return lambda: [client(token) for token in rows.tokens(issuer, rows.CLIENTS)]


def empty(server: Server) -> Iterator[Row]:
    """Yield the floor of every issuer."""
    yield Row("empty view", server, same(request("GET", "/empty")))


def key_set(key: ec.EllipticCurvePrivateKey) -> dict[str, object]:
    """Return the JWKS of the client `own`."""
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415 (only here)

    return {"keys": [json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "own", "use": "sig", "alg": "ES256"}]}
