"""Two issuers on one database behind one proxy, and APIs that poll the revocation feed, as real processes."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from project.launch import processes
from tests.ports import free
from tests.resources.api_process import Api, api
from tests.services.conftest import Issuer, migrated, mistakes, ready, serve
from tests.services.proxy import Proxy

AUDIENCE = "https://api.example/"
EVERY = 1.0
"""Seconds between two polls of an API."""
WITHIN = EVERY + 1.0
"""Seconds in which a revocation takes effect on a machine that does nothing else."""
BUSY = 20.0
"""Seconds that a machine which runs other tests is given on top."""
SHELL = ("shell", "-v", "0", "--no-imports", "-c")
REGISTER = """
import json
from django.utils import timezone
from tokens.models import Api, Client, Scope
from tokens.clients import client_secret
now = timezone.now()
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
app = Client.objects.create(client_id="app", name="App", client_type="public", token_endpoint_auth_method="none",
    grants=["authorization_code", "refresh_token"], redirect_uris="https://app.example/back")
app.scopes.add(scope)
def service(name):
    client = Client.objects.create(client_id=name, name=name, token_endpoint_auth_method="client_secret_post",
        grants=["client_credentials"])
    client.scopes.add(scope)
    return client_secret.create(client, now=now)
print(json.dumps({"services": {name: service(name) for name in ("one", "other")}}))
"""
LOG_IN = """
import json
from datetime import timedelta
from django.utils import timezone
from tokens.models import Api, Client, User
from tokens.issued import user_grant as grant_record, refresh_token
from tokens.issued.audience import Target
from tokens.issued.login import Login
now, api, app = timezone.now(), Api.objects.get(), Client.objects.get(client_id="app")
target = Target(api.identifier, ("notes:read", "offline_access"), api)
def family(user):
    login = Login(at=now, acr="", amr=("pwd",))
    grant = grant_record.create(user, app, target, login, now=now, lasts=timedelta(days=1))
    return refresh_token.create(grant, app, now=now)
users = [User.objects.get_or_create(username=name)[0] for name in {names!r}]
print(json.dumps({{user.username: [family(user) for _ in range({grants})] for user in users}}))
"""


@dataclass(slots=True)
class Deployment:
    """Two running issuers behind a proxy, the secrets of their clients, and the refresh tokens of their users."""

    issuer: Issuer
    folder: Path
    proxy: Proxy
    """What ISSUER_URL names: passes connections on to both issuers in turn."""
    children: list[processes.Child]
    services: dict[str, str]
    """Client secrets by client_id."""
    users: dict[str, list[str]] = field(default_factory=dict)
    """Refresh tokens of the client `app` by username: each of a grant of its own."""
    started: list[processes.Child] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.issuer.variables["ISSUER_URL"]

    def log_in(self, *users: str, grants: int = 1) -> None:
        """Give each user `grants` new grants, as a login does. Store the refresh tokens in `self.users`.

        Replaces the earlier refresh tokens of these users. Creates users that do not exist.
        """
        self.users |= json.loads(self.issuer.run(*SHELL, LOG_IN.format(names=list(users), grants=grants)))

    def token(self, client: str, *, at: int = 0) -> str:
        """Return an access token of the service `client` from issuer number `at`.

        Repeats the request while the issuer answers 503.
        """
        form = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": client}
        return self._issued(form | {"client_secret": self.services[client]}, at)["access_token"]

    def user_token(self, user: str, *, grant: int = 0, at: int = 0) -> str:
        """Refresh at issuer number `at`, and return the new access token. Both numbers count from 0.

        `grant` is the number of the user's refresh token in `self.users`.
        """
        refresh = self.users[user][grant]
        answer = self._issued({"grant_type": "refresh_token", "refresh_token": refresh, "client_id": "app"}, at)
        self.users[user][grant] = answer["refresh_token"]
        return answer["access_token"]

    def _issued(self, form: dict[str, str], at: int) -> dict[str, Any]:
        for _ in range(10):
            answer = requests.post(f"{self.children[at].url}/oauth/token", form, timeout=60)
            if answer.status_code != 503:
                break
            time.sleep(float(answer.headers["Retry-After"]))  # the second of a revocation is not over
        assert answer.status_code == 200, answer.text
        return answer.json()

    def revoke(self, text: str, *, client: str, at: int = 0) -> int:
        """Revoke the token `text` as the client `client` at issuer number `at`. Return the HTTP status of the answer.

        Raises requests.ConnectionError if the issuer does not run.
        """
        form = {"token": text, "client_id": client}
        form |= {"client_secret": self.services[client]} if client in self.services else {}
        return requests.post(f"{self.children[at].url}/oauth/revoke", form, timeout=60).status_code

    def stop(self) -> None:
        """Stop both issuers."""
        processes.stop(self.children)

    def start(self) -> None:
        """Start both issuers again, each on its port."""
        for number, child in enumerate(self.children):
            self.children[number] = serve(self.issuer, child.url, child.log.with_suffix(".again.log"), workers=1)
            self.started.append(self.children[number])
        for child in self.children:
            ready(child)

    @contextmanager
    def apis(self, number: int = 2, **variables: str) -> Iterator[list[Api]]:
        """Run `number` APIs that poll the revocation feed, each in a process of its own, and yield them.

        `variables` are further environment variables. Waits until each API has polled the feed once.
        """
        with ExitStack() as stack:
            running = [stack.enter_context(self.api(**variables)) for _ in range(number)]
            for api in running:
                until(lambda api=api: feed(api, self.url)["version"] != "")
            yield running

    @contextmanager
    def api(self, **variables: str) -> Iterator[Api]:
        folder = self.folder / secrets.token_hex(4)
        folder.mkdir()
        own = {"REVOCATIONS_EVERY": str(EVERY), "REVOCATIONS_LATE_AFTER": "30", **variables}
        with api(folder, issuers=self.url, audience=AUDIENCE, **own) as running:
            yield running


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Run two issuers behind one proxy while the block runs, each with one worker process. Registers their clients.

    Fails after the block if an issuer logged an unexpected error.
    """
    ports = [free(), free()]
    proxy = Proxy(*(("127.0.0.1", port) for port in ports))
    url = f"http://localhost:{proxy.port}"
    with migrated() as made:
        issuer = Issuer(made.variables | {"ISSUER_URL": url})
        issuer.run("rotate_keys")
        registered = json.loads(issuer.run(*SHELL, REGISTER))
        children = [serve(issuer, f"http://localhost:{port}", folder / f"{port}.log", workers=1) for port in ports]
        deployment = Deployment(issuer, folder, proxy, children, registered["services"])
        try:
            for child in children:
                ready(child)
            yield deployment
        finally:
            processes.stop({child.process.pid: child for child in (*children, *deployment.started)}.values())
            proxy.close()
    assert mistakes(*(child.log for child in (*children, *deployment.started))) == []


def feed(server: Api, issuer: str) -> dict[str, Any]:
    """Return the API's state of the issuer's revocation feed, as /readyz of the API shows it to operators.

    The request also makes the API begin to poll the feed.
    """
    return json.loads(server.get("/readyz")[2])["issuers"][issuer]["revocations"]


def whoami(server: Api, token: str) -> tuple[int, dict[str, str]]:
    """Send a request with the token to the API. Return status and headers of the answer."""
    status, headers, _ = server.get("/api/whoami/", {"Authorization": f"Bearer {token}", "X-Forwarded-Proto": "https"})
    return status, headers


def statuses(apis: Sequence[Api], token: str) -> set[int]:
    return {whoami(api, token)[0] for api in apis}


def until(condition: Callable[[], bool], *, within: float = 300.0) -> float:
    """Wait until the condition is True, and return how many seconds this took. Fail after `within` seconds."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < within, "it did not happen in time"
        threading.Event().wait(0.02)
    return time.monotonic() - start
