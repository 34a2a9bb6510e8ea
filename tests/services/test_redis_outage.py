"""Redis hangs, stops, is full, or evicts keys. Tokens are still issued.

No client can try more passwords than the limit permits.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.services.conftest import UNLIMITED, Issuer, ready, serve, wait_for
from tests.services.redis_server import RedisServer
from tokens.limits.cache_circuit import PAUSE

pytestmark = [pytest.mark.services, pytest.mark.outage]
PASSWORD = "correct horse"
LIMIT = 10  # guesses in a window, as .env.example says
WINDOW = 10**9  # seconds: a window began in 2001 and the next one begins in 2033, none within a test
ROOM = 500_000  # bytes: the buffers of connections take a part of it, and with none left no write is admitted
SEVERAL = 20
SOON = 10  # seconds on a busy machine; a wait for each command of a login would be longer
NO_ANSWER = "tokens.W602"
LOST = "Requests are not counted"
SETUP = """
from django.utils import timezone
from tokens.models import Api, Client, Scope, User
from tokens.clients import client_secret
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
User.objects.create_user("ada", password={password!r})
service = Client.objects.create(client_id="service", name="S", token_endpoint_auth_method="client_secret_post",
    grants=["client_credentials"])
service.scopes.add(scope)
print(client_secret.create(service, now=timezone.now()))
"""


@dataclass(frozen=True, slots=True)
class Served:
    """An issuer with one worker process, and the Redis in which it counts logins."""

    url: str
    redis: RedisServer
    secret: str
    log: Path

    def token(self, client_id: str = "service") -> int:
        form = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": client_id}
        answer = requests.post(f"{self.url}/oauth/token", form | {"client_secret": self.secret}, timeout=30)
        return answer.status_code

    def login(self, password: str = PASSWORD) -> requests.Response:
        with requests.Session() as browser:
            page = browser.get(f"{self.url}/accounts/login/", timeout=30)
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert token
            form = {"login": "ada", "password": password, "csrfmiddlewaretoken": token[1]}
            return browser.post(page.url, form, timeout=30, allow_redirects=False)

    def counted(self, password: str) -> int:
        """Send a login with this password, and return the status of the answer. Repeats the login after a 503.

        The issuer answers 503 if Redis does not count the login in time, which can happen on a busy machine.
        """
        statuses = [503]
        wait_for(lambda: statuses.append(self.login(password).status_code) or statuses[-1] != 503)
        return statuses[-1]

    def ready(self) -> tuple[int, str]:
        answer = requests.get(f"{self.url}/readyz", timeout=30)
        return answer.status_code, " ".join(answer.json().get("attention", []))

    def attempts(self) -> int:
        """Return how many times the issuer's log says that Redis did not answer."""
        return self.log.read_text().count(LOST)


@pytest.fixture(scope="module")
def secret(module_issuer: Issuer) -> str:
    """Create a client, a signing key and a user in the database. Return the secret of the client."""
    module_issuer.run("rotate_keys")
    return module_issuer.run("shell", "-v", "0", "--no-imports", "-c", SETUP.format(password=PASSWORD)).strip()


@pytest.fixture
def served(module_issuer: Issuer, secret: str, tmp_path: Path) -> Iterator[Served]:
    redis = RedisServer(tmp_path)
    url = f"http://localhost:{free()}"
    limits = f"{UNLIMITED},login={LIMIT}/{WINDOW}"
    counting = Issuer(module_issuer.variables | {"ISSUER_URL": url, "CACHE_URL": redis.url, "RATE_LIMITS": limits})
    try:
        child = serve(counting, url, tmp_path / "issuer.log", workers=1)
        try:
            ready(child)
            yield Served(url, redis, secret, tmp_path / "issuer.log")
        finally:
            processes.stop([child])
    finally:
        redis.thaw()
        redis.close()


def goes_on(served: Served) -> None:
    """Assert that the issuer issues tokens, counts logins in Redis, accepts the right password, and is ready."""
    assert served.token() == 200
    assert served.counted(PASSWORD) == 302
    wait_for(lambda: served.ready() == (200, ""))


def refuses_logins_only(served: Served) -> None:
    began, attempts = time.monotonic(), served.attempts()
    refused = served.login()
    assert time.monotonic() - began < SOON
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert [served.token() for _ in range(SEVERAL)] == [200] * SEVERAL
    assert requests.get(f"{served.url}/.well-known/jwks.json", timeout=30).status_code == 200
    status, attention = served.ready()
    assert (status, "logins are refused" in attention) == (200, True)
    passed = time.monotonic() - began
    assert served.attempts() - attempts <= passed / PAUSE + 1, (
        "one request in five seconds asks, the others do not wait"
    )
    assert served.attempts() >= 1


FAILURES: dict[str, tuple[Callable[[RedisServer], None], Callable[[RedisServer], None]]] = {
    "frozen": (RedisServer.freeze, RedisServer.thaw),
    "stopped": (RedisServer.stop, RedisServer.start),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_redis_that_hangs_or_is_gone_refuses_logins_at_once_and_slows_no_token(served: Served, failure: str) -> None:
    begin, end = FAILURES[failure]
    goes_on(served)
    begin(served.redis)
    refuses_logins_only(served)
    end(served.redis)
    goes_on(served)


def test_a_redis_that_is_full_refuses_logins_and_readyz_reports_it(served: Served) -> None:
    goes_on(served)
    served.redis.fill_up()
    refuses_logins_only(served)
    served.redis.client.config_set("maxmemory", 0)
    goes_on(served)


def test_a_redis_that_evicts_admits_no_further_guess(served: Served) -> None:
    goes_on(served)
    served.redis.limit("allkeys-lru", room=ROOM)
    answers = []
    for _ in range(2 * LIMIT):
        answers.append(served.counted("wrong"))
        served.redis.push_out()
    assert served.redis.client.info("stats")["evicted_keys"] > 0
    let_in = LIMIT - 1  # one login was made before
    assert answers == [200] * let_in + [429] * (2 * LIMIT - let_in)
    assert served.counted(PASSWORD) == 429, "the right password is not found out either"
    assert "lost a login counter" in served.log.read_text()
    assert served.token() == 200


def test_invented_client_names_make_one_key_and_push_nothing_out(served: Served) -> None:
    before = len(served.redis.client.keys("*rate:token:*"))
    assert {served.token(f"invented{number}") for number in range(100)} == {401}
    assert len(served.redis.client.keys("*rate:token:*")) - before == 1


def warnings(issuer: Issuer, redis: RedisServer) -> list[str]:
    """Return the ids of the warnings of Django's system checks for an issuer with this Redis."""
    check = Issuer(issuer.variables | {"CACHE_URL": redis.url}).start("check", "--database", "default")
    out, err = check.communicate(timeout=600)
    return re.findall(r"tokens\.W60\d", out + err)


@pytest.mark.parametrize(
    ("policy", "expected"), [("allkeys-lru", ["tokens.W601"] * 2), ("noeviction", [])], ids=["evicts", "does not"]
)
def test_a_warning_names_the_eviction_policy_at_start(
    module_issuer: Issuer, tmp_path: Path, policy: str, expected: list[str]
) -> None:
    redis = RedisServer(tmp_path)
    try:
        redis.limit(policy, room=10_000_000)
        runs: list[list[str]] = []
        wait_for(
            lambda: runs.append(warnings(module_issuer, redis)) or NO_ANSWER not in runs[-1]
        )  # a run can be too late
        assert runs[-1] == expected
        redis.stop()
        assert warnings(module_issuer, redis) == [NO_ANSWER] * 2
    finally:
        redis.close()


def test_logins_may_be_counted_in_a_redis_of_their_own(module_issuer: Issuer, tmp_path: Path) -> None:
    script = """
import json
from datetime import UTC, datetime
from tokens.limits import cache_circuit, rate_limit
from tokens.settings.rate import Rate
for what in ("login", "token"):
    for _ in range(100):
        try:
            rate_limit.count(what, ("a",), Rate(999, 10**9), now=datetime.now(UTC))
            break
        except cache_circuit.NotCounted:  # a busy machine was too late
            cache_circuit.circuits.clear()
"""
    servers = {}
    for name in ("CACHE_URL", "LOGIN_CACHE_URL"):
        (tmp_path / name).mkdir()
        servers[name] = RedisServer(tmp_path / name)
    try:
        urls = {name: server.url for name, server in servers.items()}
        Issuer(module_issuer.variables | urls).run("shell", "-v", "0", "--no-imports", "-c", script)
        kept = {
            name: [key.decode().split(":")[3] for key in server.client.keys("*")] for name, server in servers.items()
        }
        assert kept == {"CACHE_URL": ["token"], "LOGIN_CACHE_URL": ["login"]}
    finally:
        for server in servers.values():
            server.close()
