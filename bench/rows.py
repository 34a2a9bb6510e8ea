"""The requests that benchmarks send.

Each kind of request to a server is a row of the results. CLIENTS clients send requests of this kind at the same time.
"""

import base64
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from bench.load import Client, drive
from bench.servers import Server

CLIENTS = 16
TOKEN = "/oauth/token"  # noqa: S105 (a path)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (the name of a type)
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CALLBACK = "https://client.example/callback"
# The example of RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

Prepare = Callable[[], Sequence[Client]]


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of request to a server.

    `prepare` sends the requests that must come first, such as for a token, and returns the clients. `statuses` are the
    statuses that the answers may have.
    """

    name: str
    server: Server
    prepare: Prepare
    statuses: tuple[int, ...] = (200,)


def request(method: str, path: str, headers: Mapping[str, str] = {}, body: str = "") -> bytes:
    """Return an HTTP request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if method == "POST":
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


def basic(secret: str, *, client: str = "service") -> dict[str, str]:
    """Return the header by which `client` authenticates with its secret."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def same(sent: bytes) -> Prepare:
    """Return a function that returns clients. Each client sends the request `sent` repeatedly."""

    def client() -> Client:
        while True:
            yield sent

    return lambda: [client() for _ in range(CLIENTS)]


def each(make: Callable[[], Iterator[bytes]]) -> Prepare:
    """Return a function that calls `make`, and returns clients that share the requests which `make` yields.

    Each request is sent once. The clients end when all requests are sent.
    """

    def client(shared: deque[bytes]) -> Client:
        while shared:
            yield shared.popleft()

    def prepare() -> list[Client]:
        made = deque(make())
        return [client(made) for _ in range(CLIENTS)]

    return prepare


def client_credentials(server: Server, *, path: str = TOKEN, scope: str = "notes:read", wrong: str = "") -> bytes:
    """Return a request for a token of the client `service`.

    `wrong` is appended to the client's secret, to make it wrong.
    """
    form = urlencode({"grant_type": "client_credentials", "scope": scope})
    return request("POST", path, basic(server.secret + wrong), form)


def tokens(server: Server, count: int, sent: bytes | None = None) -> list[str]:
    """Send the token request `sent` repeatedly, and return `count` access tokens.

    If `sent` is None, the client `service` requests the tokens by client credentials.
    """
    got: list[str] = []

    def client(number: int) -> Client:
        for _ in range(number):
            answer = yield sent or client_credentials(server)
            assert answer.status == 200, answer
            got.append(json.loads(answer.body)["access_token"])

    drive(server.url, [client(-(-count // 8)) for _ in range(8)], seconds=60)
    return got[:count]


def assertions(server: Server, key: ec.EllipticCurvePrivateKey, count: int) -> Iterator[bytes]:
    """Yield `count` token requests of the client `own`, each with a new client assertion signed by `key` (RFC 7523)."""
    for _ in range(count):
        now = int(time.time())
        claims = {"iss": "own", "sub": "own", "aud": server.url, "exp": now + 60, "iat": now, "jti": uuid.uuid4().hex}
        signed = jwt.encode(claims, key, algorithm="ES256", headers={"kid": "own"})
        form = {"grant_type": "client_credentials", "scope": "notes:read", "client_assertion_type": ASSERTION}
        yield request("POST", TOKEN, body=urlencode(form | {"client_assertion": signed}))


class App:
    """The public client `app`, with its authorization codes and with the refresh tokens of its users."""

    def __init__(self, server: Server, refreshing: Sequence[str], codes: int) -> None:
        self._server = server
        self._codes = deque(f"code-{number}" for number in range(codes))
        self._refreshing = list(refreshing)

    def redeem(self, count: int) -> Iterator[bytes]:
        """Yield `count` token requests, each of which redeems an authorization code.

        Raises IndexError if no codes are left.
        """
        for _ in range(count):
            form = {"grant_type": "authorization_code", "client_id": "app", "code": self._codes.popleft()}
            form |= {"redirect_uri": CALLBACK, "code_verifier": VERIFIER}
            yield request("POST", TOKEN, body=urlencode(form))

    def refresh(self) -> list[Client]:
        """Return a client for each user.

        The client refreshes the user's tokens repeatedly, with refresh token rotation.
        """
        return [self._refresh(number) for number in range(len(self._refreshing))]

    def _refresh(self, number: int) -> Client:
        while True:
            answer = yield self._refreshed(number)
            if answer.status == 200:
                self._refreshing[number] = json.loads(answer.body)["refresh_token"]

    def _refreshed(self, number: int) -> bytes:
        form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": self._refreshing[number]}
        return request("POST", TOKEN, body=urlencode(form))

    def exchange(self) -> list[Client]:
        """Return load clients. Each exchanges a user's access token repeatedly, as the client `service` (RFC 8693)."""
        (answer,) = self.one_refresh()
        form = {"grant_type": EXCHANGE, "subject_token": answer, "subject_token_type": ACCESS_TOKEN}
        form |= {"resource": "https://next.example/", "scope": "next:read"}
        sent = request("POST", TOKEN, basic(self._server.secret), urlencode(form))
        return list(same(sent)())

    def one_refresh(self) -> list[str]:
        """Refresh the tokens of one user, and return the access token as the only element of a list."""
        got = []

        def client() -> Client:
            answer = yield self._refreshed(0)
            document = json.loads(answer.body)
            self._refreshing[0] = document["refresh_token"]
            got.append(document["access_token"])

        drive(self._server.url, [client()], seconds=60)
        return got
