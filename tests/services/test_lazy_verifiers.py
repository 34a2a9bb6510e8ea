"""Verifiers that fetch the JWKS only for an unknown kid accept a revoked key until their next fetch.

The verifiers are PyJWT and jose, which keep their copy of the JWKS, and RabbitMQ. The tests send new tokens all the
time, and each verifier must accept each of them.
"""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import pytest
import requests

from tests.services.conftest import Issuer, wait_for
from tests.services.rabbitmq import broker
from tests.services.test_key_races import (
    AUDIENCE,
    TICK,
    TIMEOUT,
    TIMINGS,
    in_time,
    issuing,
    standby_has_reached_every_api,
)

pytestmark = pytest.mark.services
NODE = Path(__file__).resolve().parent.parent / "clients" / "node"
FOR_EVER = 10.0**9
LONG_TOKENS = {"token_lifetime": 600}
"""Seconds: the stolen key's token must not be refused because it expired."""
LOAD = 2
"""Threads that send fresh tokens to one verifier."""


@dataclass(slots=True)
class KeepingPyJwt:
    """PyJWT's JWKS client with a copy that never expires. It fetches the JWKS for a kid that the copy lacks."""

    url: str
    copies: jwt.PyJWKClient = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.copies = jwt.PyJWKClient(f"{self.url}/.well-known/jwks.json", lifespan=FOR_EVER)

    def accepts(self, token: str) -> bool:
        try:
            with self.lock:
                key = self.copies.get_signing_key_from_jwt(token)
            jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=self.url)
        except jwt.PyJWTError:
            return False
        return True


Accepts = Callable[[str], bool]


@contextmanager
def keeping_pyjwt(url: str, _folder: Path) -> Iterator[Accepts]:
    yield KeepingPyJwt(url).accepts


@contextmanager
def keeping_jose(url: str, _folder: Path) -> Iterator[Accepts]:
    given = {"issuer": url, "audience": AUDIENCE, "jwks": f"{url}/.well-known/jwks.json"}
    lock = threading.Lock()
    with subprocess.Popen(
        ["node", "lazy.mjs", json.dumps(given)], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        question, answer = process.stdin, process.stdout

        def accepts(token: str) -> bool:
            with lock:
                question.write(token + "\n")
                question.flush()
                return bool(json.loads(answer.readline()))

        try:
            yield accepts
        finally:
            process.kill()


@contextmanager
def rabbitmq(url: str, folder: Path) -> Iterator[Accepts]:
    with broker(folder, jwks=f"{url}/.well-known/jwks.json", audience=AUDIENCE) as running:
        yield running.accepts


@dataclass(slots=True)
class Load:
    """Threads that request new tokens, and immediately send each token to a verifier."""

    fetch: Callable[[], str]
    accepts: Accepts
    stop: threading.Event = field(default_factory=threading.Event)
    accepted: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.wait(TICK):
            token = self.fetch()
            name = kid(token)
            if self.accepts(token):
                self.accepted[name] = self.accepted.get(name, 0) + 1
            else:
                self.refused.append(name)


@contextmanager
def under_load(fetch: Callable[[], str], accepts: Accepts) -> Iterator[Load]:
    load = Load(fetch, accepts)
    with ThreadPoolExecutor(LOAD) as pool:
        threads = [pool.submit(load.run) for _ in range(LOAD)]
        try:
            yield load
        finally:
            load.stop.set()
            for thread in threads:
                thread.result()


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


@pytest.fixture
def issuer_with_long_tokens(issuer: Issuer, tmp_path: Path) -> Iterator[tuple[Issuer, str, str]]:
    with issuing(issuer, tmp_path, timings=TIMINGS | LONG_TOKENS) as served:
        yield served


@pytest.mark.parametrize("verifier", [keeping_pyjwt, keeping_jose, rabbitmq])
def test_a_lazy_verifier_trusts_a_revoked_key_until_the_flush_and_refuses_no_good_token(
    issuer_with_long_tokens: tuple[Issuer, str, str], tmp_path: Path, verifier: Callable
) -> None:
    issuer, url, secret = issuer_with_long_tokens

    def fetch() -> str:
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        answer = requests.post(f"{url}/oauth/token", form, auth=("service", secret), timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    folder = tmp_path / "verifier"
    folder.mkdir()
    with verifier(url, folder) as accepts, under_load(fetch, accepts) as load:
        wait_for(lambda: standby_has_reached_every_api(issuer), within=180)
        wait_for(lambda: bool(load.accepted), within=180)
        stolen = fetch()
        assert accepts(stolen)
        done = json.loads(in_time(issuer, "revoke_key", kid(stolen), "--reason", "stolen in a test", "--yes", "--json"))
        assert done["flush_kid"] not in (None, done["heir"])
        wait_for(lambda: done["heir"] in load.accepted, within=180)
        assert accepts(stolen), "the standby was known: nothing made the verifier fetch"
        wait_for(lambda: done["flush_kid"] in load.accepted, within=180)
        assert not accepts(stolen)
        assert accepts(fetch())
    assert set(load.accepted) == {kid(stolen), done["heir"], done["flush_kid"]}
    assert load.refused == []


def test_flush_token_makes_a_lazy_verifier_fetch_before_the_flush(
    issuer_with_long_tokens: tuple[Issuer, str, str],
) -> None:
    issuer, url, secret = issuer_with_long_tokens
    verifier = KeepingPyJwt(url)
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    wait_for(lambda: standby_has_reached_every_api(issuer), within=180)
    stolen = requests.post(f"{url}/oauth/token", form, auth=("service", secret), timeout=TIMEOUT).json()["access_token"]
    assert verifier.accepts(stolen)
    done = json.loads(in_time(issuer, "revoke_key", kid(stolen), "--reason", "stolen in a test", "--yes", "--json"))
    shown = f"{url}/.well-known/jwks.json"
    wait_for(lambda: kid(stolen) not in {key["kid"] for key in requests.get(shown, timeout=TIMEOUT).json()["keys"]})
    assert verifier.accepts(stolen)

    def flushes() -> bool:
        """Make the verifier fetch the JWKS, and return True if it then refuses the stolen token.

        The command `flush_token` makes a token with an unknown kid. For this token, the verifier fetches the JWKS.
        Returns False if the fetched JWKS still has the revoked key, because the worker that answered has not read the
        revocation yet.
        """
        made = json.loads(issuer.run("flush_token", AUDIENCE, "--json"))
        assert not verifier.accepts(made["token"])
        return not verifier.accepts(stolen)

    wait_for(flushes)
    good = requests.post(f"{url}/oauth/token", form, auth=("service", secret), timeout=TIMEOUT).json()["access_token"]
    assert kid(good) in (done["heir"], done["flush_kid"])
    assert verifier.accepts(good)
