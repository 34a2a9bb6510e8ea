"""Signing keys are rotated and revoked while four processes issue tokens.

APIs verify every token with PyJWT and the JWKS.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.services.conftest import Issuer, ready, serve, wait_for

pytestmark = pytest.mark.services

API_COPY = 4
LIFETIME = 6
TIMINGS = {
    "snapshot_age": 6,  # a busy machine takes seconds to read
    "reread": 1,
    "shared_cache": 1,
    "api_copy": API_COPY,
    "clock_error": 4,  # so long a step may take
    "token_lifetime": LIFETIME,
    "leeway": 1,
    "announce": 20,
    "rotate_every": 60,
    "keep": 15,
}
STANDBY = "signs_at IS NULL"
ANNOUNCED = "announced_at + interval '23 seconds' < now()"  # N + C + T + 3δ: it takes over δ ago
AUDIENCE = "http://localhost:8001/"
ASKING = 4
TICK = 0.05  # seconds between two tokens of a thread
TIMEOUT = 60  # seconds: a busy machine is late with its answers, and is not refused for it


@dataclass(slots=True)
class Api:
    """An API that verifies tokens with PyJWT.

    The API keeps a copy of the JWKS for API_COPY seconds, as the key policy permits. It does not fetch the JWKS for an
    unknown kid.
    """

    url: str
    copies: jwt.PyJWKClient = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.copies = jwt.PyJWKClient(f"{self.url}/.well-known/jwks.json", lifespan=API_COPY)

    def verify(self, token: str) -> None:
        kid = jwt.get_unverified_header(token)["kid"]
        with self.lock:
            keys = {key.key_id: key for key in self.copies.get_signing_keys()}
        if kid not in keys:
            raise UnknownKid(kid)
        try:
            jwt.decode(token, keys[kid], algorithms=["RS256"], audience=AUDIENCE, issuer=self.url)
        except jwt.ExpiredSignatureError as error:
            raise TooLate from error


class UnknownKid(Exception):
    """Raised if the API's copy of the JWKS lacks the kid of the token."""


class TooLate(Exception):
    """Raised if the signature of the token is valid, but the token has expired."""


@dataclass(slots=True)
class Clients:
    """Threads that request tokens until `stop` is set.

    They send each token to an API twice: when the token is new, and just before it expires.
    """

    url: str
    secret: str
    stop: threading.Event = field(default_factory=threading.Event)
    kids: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    tried: int = 0
    tried_late: int = 0

    def ask(self) -> None:
        api = Api(self.url)
        waiting: list[tuple[float, str]] = []
        with requests.Session() as session:
            while waiting or not self.stop.is_set():
                if not self.stop.wait(TICK):
                    waiting.append(self.fresh(api, session))
                waiting = self.retry(api, waiting)

    def fresh(self, api: Api, session: requests.Session) -> tuple[float, str]:
        """Request a token, and let the API verify it. Returns the token's expiry time (Unix seconds) and the token."""
        token = self.token(session)
        self.try_token(api, token)
        return jwt.decode(token, options={"verify_signature": False})["exp"], token

    def token(self, session: requests.Session) -> str:
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        answer = session.post(f"{self.url}/oauth/token", form, auth=("service", self.secret), timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def retry(self, api: Api, waiting: list[tuple[float, str]]) -> list[tuple[float, str]]:
        """Let the API verify the waiting tokens that expire within a second. Return those that expire later.

        Each entry of `waiting` is an expiry time (Unix seconds) and a token.
        """
        now = time.time()
        for expires, token in waiting:
            if now < expires <= now + 1:
                self.tried_late += self.try_token(api, token)
        return [(expires, token) for expires, token in waiting if expires - 1 > now]

    def try_token(self, api: Api, token: str) -> bool:
        """Let the API verify the token. Return False if the token expired before the API verified it.

        If the API does not know the kid, adds the kid to `refused`. Fails if the API says that the token has expired
        before it has.
        """
        self.tried += 1
        kid = jwt.get_unverified_header(token)["kid"]
        self.kids.add(kid)
        expires = jwt.decode(token, options={"verify_signature": False})["exp"]
        try:
            api.verify(token)
        except UnknownKid:
            self.refused.add(kid)
        except TooLate:
            assert time.time() >= expires
            return False
        return True


@contextmanager
def asking(url: str, secret: str) -> Iterator[Clients]:
    clients = Clients(url, secret)
    with ThreadPoolExecutor(ASKING) as pool:
        running: list[Future[None]] = [pool.submit(clients.ask) for _ in range(ASKING)]
        try:
            yield clients
        finally:
            clients.stop.set()
            for future in running:
                future.result()  # what went wrong in a thread is the cause of what did not happen outside


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[tuple[Issuer, str, str]]:
    with issuing(issuer, tmp_path, timings=TIMINGS) as running:
        yield running


@contextmanager
def issuing(issuer: Issuer, tmp_path: Path, *, timings: Mapping[str, float]) -> Iterator[tuple[Issuer, str, str]]:
    """Run an issuer with four processes. Yield the issuer, its URL, and the secret of its client `service`.

    `timings` are the key timings of the setting KEY_TIMINGS, in seconds by name.
    """
    url = f"http://localhost:{free()}"
    secret = "c" * 43
    setting = ",".join(f"{name}={seconds}" for name, seconds in timings.items())
    issuer = Issuer(issuer.variables | {"ISSUER_URL": url, "KEY_TIMINGS": setting})
    credentials = tmp_path / "demo.env"
    credentials.write_text(f"SERVICE_CLIENT_SECRET={secret}\n", encoding="utf-8")
    issuer.run("demo_setup", "--credentials", str(credentials), "--api-audience", AUDIENCE)
    child = serve(issuer, url, tmp_path / "issuer.log")
    try:
        ready(child)
        yield issuer, url, secret
    finally:
        processes.stop([child])


def test_every_token_issued_during_early_rotations_verifies_until_it_expires(
    served: tuple[Issuer, str, str],
) -> None:
    issuer, url, secret = served
    with asking(url, secret) as clients:
        for _ in range(2):
            step = plan_early(issuer)
            wait_for(lambda kid=step["kid"]: kid in clients.kids, within=300)
    assert len(clients.kids) == 3
    assert clients.tried > 20
    assert clients.tried_late > 0
    assert clients.refused == set()


def in_time(issuer: Issuer, *arguments: str) -> str:
    """Repeat a command until it ends within `clock_error` (a key timing). Return the output of this run.

    A run that takes longer is rolled back.
    """
    for _ in range(20):
        process = issuer.start(*arguments)
        out, err = process.communicate(timeout=600)
        if "took too long" not in err and "too long to keep its dates" not in err:
            break
    assert process.returncode == 0, err
    return out


def plan_early(issuer: Issuer) -> dict[str, str]:
    """Plan the next switch of signing keys as early as possible. Return the JSON object that rotate_keys printed."""
    step = json.loads(in_time(issuer, "rotate_keys", "--now", "--json"))
    assert step["step"] == "planned", step
    return step


def test_a_revocation_among_issuing_processes_costs_the_revoked_keys_tokens_and_no_others(
    served: tuple[Issuer, str, str],
) -> None:
    issuer, url, secret = served
    with asking(url, secret) as clients:
        wait_for(lambda: bool(clients.kids), within=300)
        (revoked,) = clients.kids
        wait_for(lambda: standby_has_reached_every_api(issuer), within=300)
        in_time(issuer, "revoke_key", revoked, "--reason", "leaked in a test", "--yes")
        wait_for(lambda: len(clients.kids) == 2, within=300)
    assert clients.refused == {revoked}


def standby_has_reached_every_api(issuer: Issuer) -> bool:
    return bool(issuer.rows(f"SELECT 1 FROM tokens_signingkey WHERE {STANDBY} AND {ANNOUNCED}"))
