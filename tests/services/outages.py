"""An issuer with production settings on its own PostgreSQL, and requests of its clients, for tests of outages."""

import json
import os
import re
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import psycopg
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from project.launch import processes
from tests.ports import free
from tests.services.cluster import Cluster
from tests.services.conftest import UNLIMITED, Issuer, ready, serve, wait_for
from tests.services.tripwire import Tripwire

ISSUER = "https://issuer.test"
NONE: Mapping[str, str] = {}
KEY = ec.generate_private_key(ec.SECP256R1())
"""Of the client `keyed`."""
JWKS = {"keys": [json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())) | {"kid": "keyed"}]}
METADATA = "/.well-known/openid-configuration"
WITHIN = 15.0
"""Seconds in which an answer is asserted to come on a busy machine: 3 s are promised on one that does nothing else.

Without the bound, no answer comes before the outage ends.
"""
REGISTER = """
import json
from datetime import timedelta
from django.utils import timezone
from tokens.models import Api, Client, Scope, User
from tokens.clients import client_secret
from tokens.issued import user_grant as grant_record, refresh_token
from tokens.issued.audience import Target
from tokens.issued.login import Login
now = timezone.now()
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
ada = User.objects.create_user("ada", password="correct horse")
app = Client.objects.create(client_id="app", name="App", client_type="public", token_endpoint_auth_method="none",
    grants=["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    redirect_uris="https://app.example/back")
own = Client.objects.create(client_id="own", name="Own", token_endpoint_auth_method="client_secret_post",
    grants=["client_credentials"])
keyed = Client.objects.create(client_id="keyed", name="Keyed", token_endpoint_auth_method="private_key_jwt",
    client_jwks={jwks!r}, grants=["client_credentials"])
for client in (app, own, keyed):
    client.scopes.add(scope)
target = Target(api.identifier, ("notes:read", "offline_access"), api)
def family():
    login = Login(at=now, acr="", amr=("pwd",))
    allowed = grant_record.create(ada, app, target, login, now=now, lasts=timedelta(days=1))
    return refresh_token.create(allowed, app, now=now)
print(json.dumps({{"secret": client_secret.create(own, now=now), "families": [family() for _ in range(30)]}}))
"""


@dataclass(slots=True)
class Served:
    """A running issuer, its database, and the credentials of its clients."""

    url: str
    cluster: Cluster
    database: Tripwire
    """What the issuer takes for its database."""
    log: Path
    secret: str
    operator: str
    """Reads from anywhere why /readyz says no."""
    families: list[str]
    """Refresh tokens of the public client `app`, each of a grant of its own."""
    leader: int
    """The main process, whose children are the workers."""

    def get(self, path: str, **headers: str) -> requests.Response:
        return self._ask("GET", path, headers=headers)

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        return self._ask("POST", path, data=form)

    def token(self) -> requests.Response:
        own = {"client_id": "own", "client_secret": self.secret}
        return self.post("/oauth/token", {"grant_type": "client_credentials", "scope": "notes:read"} | own)

    def assertion(self) -> requests.Response:
        """Request a token, authenticated by a signed assertion (private_key_jwt), and return the response.

        The issuer then writes the `jti` of the assertion to the database.
        """
        now = int(time.time())
        claims = {"iss": "keyed", "sub": "keyed", "aud": ISSUER, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
        form = {
            "grant_type": "client_credentials",
            "scope": "notes:read",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, KEY, algorithm="ES256", headers={"kid": "keyed"}),
        }
        return self.post("/oauth/token", form)

    def refresh(self, text: str) -> requests.Response:
        return self.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": text, "client_id": "app"})

    def revoke(self, text: str) -> requests.Response:
        return self.post("/oauth/revoke", {"token": text, "client_id": "app"})

    def _ask(self, method: str, path: str, **given: object) -> requests.Response:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", **given.pop("headers", {})}
        started = time.monotonic()
        answer = requests.request(
            method, self.url + path, headers=headers, timeout=4 * WITHIN, allow_redirects=False, **given
        )
        assert time.monotonic() - started < WITHIN, f"{path} was answered late, by {answer.status_code}"
        return answer

    def asks(self) -> dict[str, requests.Response]:
        """Send one request to each endpoint that needs the database, all at the same time.

        Returns the responses by the name of the endpoint.
        """
        own = {"client_id": "own", "client_secret": self.secret}
        family = self.families[0]  # no test takes this one: it might be answered
        calls = {
            "client credentials": self.token,
            "private_key_jwt": self.assertion,
            "refresh": lambda: self.refresh(family),
            "revoke": lambda: self.revoke(family),
            "introspect": lambda: self.post("/oauth/introspect", {"token": "x"} | own),
            "device": lambda: self.post("/oauth/device", {"client_id": "app", "scope": "notes:read"}),
            "revocations": lambda: self.get("/oauth/revocations"),
            "page": lambda: self.get("/accounts/", Accept="text/html", Cookie=f"__Host-issuer_session={'a' * 32}"),
            "readyz": lambda: self.get("/readyz"),
        }
        with ThreadPoolExecutor(len(calls)) as pool:
            running = {name: pool.submit(call) for name, call in calls.items()}
            return {name: future.result() for name, future in running.items()}

    def documents(self) -> dict[str, int]:
        """Request the documents that the issuer serves without the database, and return the HTTP statuses by path.

        The issuer serves them from snapshots in memory, but refuses to serve snapshots older than `snapshot_age`.
        """
        paths = ("healthz", ".well-known/jwks.json", ".well-known/openid-configuration")
        return {path: self.get(f"/{path}").status_code for path in paths}

    def lines(self) -> list[dict[str, object]]:
        """Return the lines of the audit log about requests that were answered 503."""
        entries = re.findall(r"^\{.*\}$", self.log.read_text(encoding="utf-8"), re.MULTILINE)
        return [line for line in map(json.loads, entries) if line.get("action") == "request.unavailable"]

    def recovers(self) -> None:
        """Wait until the issuer reads and writes its database, and each worker has the snapshots for another outage.

        A worker that started during an outage has no snapshots yet. Many requests are sent, because the server chooses
        the worker for each request.
        """
        wait_for(lambda: self.token().status_code == 200)
        wait_for(lambda: all(self.get(METADATA).status_code == 200 for _ in range(30)))
        wait_for(lambda: self.assertion().status_code == 200)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database with keys, clients and refresh tokens, which each test copies."""

    name: str
    variables: dict[str, str]
    """The issuer's, whose secrets every copy needs."""
    secret: str
    families: list[str]


@cache
def prepared(cluster: str) -> Prepared:
    """Create the database that tests copy, and return its name, the issuer's variables and the clients' secrets.

    The first call for a PostgreSQL server creates it. `cluster` is the URL of the server.
    """
    name = f"prepared_{secrets.token_hex(4)}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    issuer = Issuer(
        {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
            "ISSUER_URL": ISSUER,
            "ALLOWED_HOSTS": "localhost,issuer.test",
            "BEHIND_PROXY": "true",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "RATE_LIMITS": UNLIMITED,
            "OPERATOR_TOKEN": secrets.token_urlsafe(32),
            "KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
            "DATABASE_URL": urlsplit(cluster)._replace(path=f"/{name}").geturl(),
        }
    )
    issuer.run("migrate", "--verbosity", "0")
    issuer.run("rotate_keys")
    issuer.run("rotate_keys", "--ring", "orders", "--algorithm", "ES256")
    made = json.loads(
        issuer.run("shell", "-v", "0", "--no-imports", "-c", REGISTER.format(jwks=JWKS)).strip().splitlines()[-1]
    )
    return Prepared(name, issuer.variables, made["secret"], made["families"])


@contextmanager
def served(
    cluster: Cluster, database: tuple[str, int], folder: Path, *, workers: int = 1, variables: Mapping[str, str] = NONE
) -> Iterator[Served]:
    """Run an issuer with a new copy of the prepared database while the block runs.

    The issuer connects to `database`: host and port of the cluster, or of a proxy in front of the cluster.
    """
    made, name, wire = prepared(cluster.address), f"keyturn_{secrets.token_hex(4)}", Tripwire(database)
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE {made.name}")
    url, log = f"http://localhost:{free()}", folder / f"{name}.log"
    through = f"postgres://postgres@127.0.0.1:{wire.port}/{name}"
    child = serve(Issuer(made.variables | {"DATABASE_URL": through} | dict(variables)), url, log, workers=workers)
    try:
        ready(child)
        operator = made.variables["OPERATOR_TOKEN"]
        yield Served(url, cluster, wire, log, made.secret, operator, list(made.families), child.process.pid)
    finally:
        processes.stop([child])
        wire.close()
