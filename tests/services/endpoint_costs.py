"""Measures the cost of a request to each endpoint that clients use. Calls the WSGI application directly.

Tests run this module in a separate process.

A cost consists of the round trips to PostgreSQL (also for BEGIN and COMMIT), the Redis commands, and the calls of
Python functions during one request. The caches of the process are filled before.
"""

import io
import json
import secrets
import sys
import threading
from base64 import b64encode
from base64 import urlsafe_b64encode as b64url
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import jwt
import redis
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.utils import timezone

from project.postgresql.connection import Connection
from project.wsgi import application
from tokens.clients import client_secret
from tokens.issued import one_time, refresh_token, user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import Api, AuthorizationCode, Client, ExchangePolicy, Scope, User, UserGrant

API = "https://api.example/"
NEXT_API = "https://next.example/"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TIMES = 5
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = b64url(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPES = ("openid", "offline_access", "notes:read")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the issuer's WSGI application."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def call(method: str, path: str, body: bytes = b"", **extra: str) -> Answer:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/x-www-form-urlencoded" if method == "POST" else "",
        "CONTENT_LENGTH": str(len(body)) if method == "POST" else "",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
        **extra,
    }
    started: list[tuple[str, list[tuple[str, str]]]] = []
    parts = application(environ, lambda line, headers: started.append((line, headers)))
    content = b"".join(parts)
    parts.close()
    line, headers = started[0]
    return Answer(int(line.partition(" ")[0]), dict(headers), content)


def form(path: str, client: Client | None = None, /, **fields: str) -> Answer:
    extra = {}
    if client is not None:
        extra["HTTP_AUTHORIZATION"] = "Basic " + b64encode(f"{client.client_id}:{client.plain}".encode()).decode()
    return call("POST", path, urlencode(fields).encode(), **extra)


def make_client(client_id: str, *grants: str, scopes: tuple[Scope, ...] = ()) -> Client:
    made = Client.objects.create(
        client_id=client_id,
        name=client_id,
        grants=list(grants),
        token_endpoint_auth_method="client_secret_basic",
        redirect_uris="https://client.example/callback",
    )
    made.scopes.set(scopes)
    made.plain = client_secret.create(made, now=timezone.now())
    return made


class World:
    """The API, the clients and the user of the requests whose costs are measured.

    Some methods prepare a request, for example create a code. The other methods send a request.
    """

    def __init__(self) -> None:
        self.api = Api.objects.create(identifier=API, name="API")
        scope = Scope.objects.create(name="notes:read", description="Read", api=self.api)
        self.operator = make_client("operator")
        self.operator.operated_apis.add(self.api)
        self.webapp = make_client("webapp", "authorization_code", "refresh_token", scopes=(scope,))
        self.service = make_client("service", "client_credentials", scopes=(scope,))
        self.wrong = Client(client_id="service")
        self.wrong.plain = self.service.plain + "x"
        self.rotating = make_client("rotating", "authorization_code", "refresh_token", scopes=(scope,))
        Client.objects.filter(pk=self.rotating.pk).update(rotates_refresh_tokens=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.signing = make_client("signing", "client_credentials", scopes=(scope,))
        jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key())) | {"kid": "own", "alg": "ES256"}
        given = {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": {"keys": [jwk]}}
        Client.objects.filter(pk=self.signing.pk).update(**given)
        self.exchanging = make_client("exchanging", EXCHANGE)
        self.exchanging.operated_apis.add(self.api)
        next_api = Api.objects.create(identifier=NEXT_API, name="Next")
        policy = ExchangePolicy.objects.create(client=self.exchanging, api=next_api)
        policy.scopes.add(Scope.objects.create(name="next:read", description="Read", api=next_api))
        self.user = User.objects.create_user("ada", email="ada@example.org")

    def grant(self, client: Client) -> UserGrant:
        target, login = Target(API, SCOPES, self.api), Login(at=timezone.now(), acr="1", amr=("pwd",))
        month, now = timedelta(days=30), timezone.now()
        user = User.objects.get(pk=self.user.pk)
        return user_grant.create(user, client, target, login, now=now, lasts=month, refreshes_for=month)

    def code(self) -> str:
        text, minute = one_time.new(), timedelta(seconds=60)
        AuthorizationCode.objects.create(
            digest=one_time.digest(text),
            grant=self.grant(self.webapp),
            redirect_uri="",
            code_challenge=CHALLENGE,
            expires_at=timezone.now() + minute,
        )
        return text

    def refresh(self, client: Client | None = None) -> str:
        of = client or self.webapp
        return refresh_token.create(self.grant(of), of, now=timezone.now())

    def issue(self) -> Answer:
        return form("/oauth/token", self.service, grant_type="client_credentials", scope="notes:read")

    def assertion(self) -> str:
        now = timezone.now()
        claims = {"iss": "signing", "sub": "signing", "aud": settings.ISSUER["URL"], "iat": now}
        claims |= {"exp": now + timedelta(seconds=60), "jti": secrets.token_hex(16)}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "own"})

    def issue_by_key(self, assertion: str) -> Answer:
        given = {"client_assertion_type": ASSERTION, "client_assertion": assertion}
        return form("/oauth/token", None, grant_type="client_credentials", scope="notes:read", **given)

    def issue_wrongly(self) -> Answer:
        return form("/oauth/token", self.wrong, grant_type="client_credentials", scope="notes:read")

    def exchange(self, text: str) -> Answer:
        given = {"subject_token": text, "subject_token_type": ACCESS_TOKEN, "resource": NEXT_API}
        return form("/oauth/token", self.exchanging, grant_type=EXCHANGE, scope="next:read", **given)

    def redeem(self, code: str) -> Answer:
        return form("/oauth/token", self.webapp, grant_type="authorization_code", code=code, code_verifier=VERIFIER)

    def renew(self, text: str, client: Client | None = None) -> Answer:
        return form("/oauth/token", client or self.webapp, grant_type="refresh_token", refresh_token=text)

    def introspect(self, text: str) -> Answer:
        return form("/oauth/introspect", self.operator, token=text)

    def own_introspect(self, text: str) -> Answer:
        return form("/oauth/introspect", self.webapp, token=text)

    def revoke(self, text: str) -> Answer:
        return form("/oauth/revoke", self.webapp, token=text)

    def service_token(self) -> str:
        return str(self.issue().json()["access_token"])

    def user_token(self) -> str:
        return str(self.redeem(self.code()).json()["access_token"])

    def etag(self, path: str) -> str:
        return call("GET", path).headers["ETag"]


METADATA = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks.json"


def requests(world: World) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Answer]]]:
    """Return the kinds of request to measure. The value of each name is a pair of functions.

    The first function prepares a request, for example creates a code. The second function takes its result and sends
    the request.
    """

    def get(path: str) -> Callable[[Any], Answer]:
        return lambda tag: call("GET", path, **({"HTTP_IF_NONE_MATCH": tag} if tag else {}))

    return {
        "client credentials": (lambda: None, lambda _: world.issue()),
        "client credentials by a key": (world.assertion, world.issue_by_key),
        "client credentials, wrong secret": (lambda: None, lambda _: world.issue_wrongly()),
        "exchange": (world.user_token, world.exchange),
        "code": (world.code, world.redeem),
        "refresh": (world.refresh, world.renew),
        "rotation": (lambda: world.refresh(world.rotating), lambda text: world.renew(text, world.rotating)),
        "introspection of a service's token": (world.service_token, world.introspect),
        "introspection of a user's token": (world.user_token, world.introspect),
        "introspection of a refresh token": (world.refresh, world.own_introspect),
        "introspection of nonsense": (lambda: secrets.token_urlsafe(20), world.introspect),
        "revocation of an access token": (world.user_token, world.revoke),
        "revocation of a refresh token": (world.refresh, world.revoke),
        "JWKS": (lambda: "", get(JWKS)),
        "JWKS 304": (lambda: world.etag(JWKS), get(JWKS)),
        "metadata": (lambda: "", get(METADATA)),
        "metadata 304": (lambda: world.etag(METADATA), get(METADATA)),
    }


@contextmanager
def counted_waits() -> Iterator[list[Connection]]:
    """Yield a list. While the block runs, each round trip of this thread to PostgreSQL adds an element to it."""
    waits: list[Connection] = []
    wait, thread = Connection.wait, threading.get_ident()

    def counted(connection: Connection, *rest: Any, **more: Any) -> Any:
        if threading.get_ident() == thread:  # not the background refresh
            waits.append(connection)
        return wait(connection, *rest, **more)

    Connection.wait = counted  # type: ignore[method-assign]
    try:
        yield waits
    finally:
        Connection.wait = wait  # type: ignore[method-assign]


def python_calls(work: Callable[[], object]) -> int:
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def commands(server: Any) -> dict[str, int]:
    answered = server.info("commandstats").items()
    return {name.removeprefix("cmdstat_"): used["calls"] for name, used in answered if name != "cmdstat_info"}


def cost(prepare: Callable[[], Any], request: Callable[[Any], Answer]) -> dict[str, Any]:
    """Return the cost of one request, measured after two other requests of the same kind.

    The Python calls are counted in TIMES further requests, and the lowest number is returned. The others can include
    work of other kinds: a refresh of the snapshots, a new second in the log, or garbage collection.
    """
    server = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
    for _ in range(2):
        request(prepare())
    prepared = prepare()
    before = commands(server)
    with counted_waits() as waits:
        status = request(prepared).status
    after = commands(server)
    used = {name: number - before.get(name, 0) for name, number in after.items() if number != before.get(name, 0)}
    calls = min(python_calls(partial(request, prepare())) for _ in range(TIMES))
    return {"status": status, "statements": len(waits), "commands": used, "calls": calls}


def main() -> None:
    """Print the cost of each kind of request as JSON.

    Turns DEBUG off, because with DEBUG Django stores each statement in memory.
    """
    settings.DEBUG = False
    print(json.dumps({name: cost(*kind) for name, kind in requests(World()).items()}))
