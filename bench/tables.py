"""The rows of `make bench`. A row is a kind of request, which is measured at one server."""

import json
from collections.abc import Callable, Iterator, Sequence

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from bench import rows
from bench.load import Client, drive
from bench.rows import App, Row, basic, client_credentials, each, request, same
from bench.servers import Server

JWKS, METADATA = "/.well-known/jwks.json", "/.well-known/openid-configuration"
NOT_MODIFIED = (304,)
BATCH = 250
"""The number of requests per round for a row whose requests each use up a code, an assertion or a token."""


def issuer(server: Server, app: App, key: ec.EllipticCurvePrivateKey, unchanged: tuple[int, ...]) -> Iterator[Row]:
    """Yield the rows of the benchmark for a Keyturn issuer, one for each kind of request.

    `key` is the private key of the client `own`. `unchanged` are the statuses that are permitted for a conditional
    request (If-None-Match) of an unchanged document.
    """
    yield Row("token RS256", server, signed(server, "RS256"))
    yield Row("token, private_key_jwt", server, each(lambda: rows.assertions(server, key, BATCH)))
    yield Row("token exchange", server, app.exchange)
    yield Row("token, wrong secret", server, same(client_credentials(server, wrong="x")), (401,))
    yield Row("code exchange", server, each(lambda: app.redeem(BATCH)))
    yield Row("refresh", server, app.refresh)
    yield Row("introspection", server, lambda: introspecting(server, "/oauth/introspect"))
    yield Row("revocation", server, each(lambda: revocations(server)))
    for name, path in {"JWKS": JWKS, "metadata": METADATA}.items():
        yield Row(f"{name} 200", server, same(request("GET", path)))
        yield Row(f"{name} 304", server, conditional(server, path), unchanged)


def signed(server: Server, algorithm: str, *, scope: str = "notes:read") -> Callable[[], Sequence[Client]]:
    """Return a function that returns clients. Each client requests an access token repeatedly.

    The returned function first requests one token. It raises AssertionError unless this token is signed by `algorithm`.
    """

    def prepare() -> Sequence[Client]:
        sent = client_credentials(server, scope=scope)
        (token,) = rows.tokens(server, 1, sent)
        actual = jwt.get_unverified_header(token)["alg"]
        assert actual == algorithm, f"{server.name} signs by {actual} instead of {algorithm}"
        return same(sent)()

    return prepare


def introspecting(server: Server, path: str) -> Sequence[Client]:
    """Get a new access token of the client `service`. Return clients that introspect this token repeatedly."""
    (token,) = rows.tokens(server, 1)
    return same(request("POST", path, basic(server.secret), f"token={token}"))()


def revocations(server: Server) -> Iterator[bytes]:
    """Get BATCH new access tokens. Yield a request to the revocation endpoint for each of them."""
    for token in rows.tokens(server, BATCH):
        yield request("POST", "/oauth/revoke", basic(server.secret), f"token={token}")


def conditional(server: Server, path: str) -> Callable[[], Sequence[Client]]:
    """Return a function that fetches the document at `path`, and returns clients that request it with its ETag.

    The answer is 304. If the document has no ETag, as in an earlier build, the answer is 200.
    """

    def prepare() -> Sequence[Client]:
        tags = []

        def client() -> Client:
            answer = yield request("GET", path)
            tags.append(answer.head.lower().partition(b"\r\netag: ")[2].partition(b"\r\n")[0].decode())

        drive(server.url, [client()], seconds=60)
        return same(request("GET", path, {"If-None-Match": tags[0]} if tags[0] else {}))()

    return prepare


def toolkit(server: Server) -> Iterator[Row]:
    """Yield one row of the results: token requests to the plain django-oauth-toolkit project."""
    yield Row("toolkit token", server, same(client_credentials(server, path="/o/token/")))


def provider(server: Server) -> Iterator[Row]:
    """Yield one row of the results: token requests to oidc-provider on node."""
    form = "grant_type=client_credentials&scope=notes%3Aread"
    sent = request("POST", "/token", basic(server.secret, client="robot"), form)
    yield Row("oidc-provider token", server, same(sent))


def api(server: Server, issuer: Server) -> Iterator[Row]:
    """Yield the table rows for requests to the API's views, some of which other libraries protect.

    `issuer` issues the tokens of the requests.
    """
    yield Row("DRF floor", server, same(request("GET", "/ping")))
    paths = {"verify": "/checked", "verify, whoami": "/api/whoami/", "PyJWKClient": "/pyjwk", "simplejwt": "/simplejwt"}
    for name, path in paths.items():
        yield Row(name, server, bearer(issuer, path))


def express(server: Server, issuer: Server) -> Iterator[Row]:
    """Yield one row of the results: requests to an API that express-oauth2-jwt-bearer protects."""
    yield Row("express-oauth2-jwt-bearer", server, bearer(issuer, "/"))


def bearer(issuer: Server, path: str) -> Callable[[], Sequence[Client]]:
    """Return a function that returns clients. Each client gets a fresh token, and sends it to the API repeatedly."""

    def client(token: str) -> Client:
        sent = request("GET", path, {"Authorization": f"Bearer {token}"})
        while True:
            yield sent

    return lambda: [client(token) for token in rows.tokens(issuer, rows.CLIENTS)]


def empty(server: Server) -> Iterator[Row]:
    """Yield one row of the results: requests to the empty view, whose cost is that of the server and Django alone."""
    yield Row("empty view", server, same(request("GET", "/empty")))


def key_set(key: ec.EllipticCurvePrivateKey) -> dict[str, object]:
    """Return a JWKS with the public key of `key`. The client `own` registers this JWKS."""
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415 (only here)

    return {"keys": [json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "own", "use": "sig", "alg": "ES256"}]}
