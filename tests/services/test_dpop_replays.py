"""An API refuses a DPoP proof that another process of the API accepted. Both processes use the same Redis."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connections as databases
from django.test import Client

from project.settings import environment, service_url
from resources.testing import Holder, bearer, mint, pinned
from tests.services.redis_server import RedisServer

pytestmark = pytest.mark.services
HOLDER = Holder()
WHOAMI = "/api/whoami/"


@pytest.fixture
def redis(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """Yield a Redis for this test. The API stores the accepted proofs in it."""
    server = RedisServer(tmp_path)
    monkeypatch.setenv("OWN_CACHE_URL", server.url)
    monkeypatch.setattr(service_url, "CACHE_WAIT", 10.0)  # a busy machine is no outage
    settings.CACHES = {**settings.CACHES, "proofs": environment.cache("OWN_CACHE_URL")}
    with pinned(DPOP_REPLAY_CACHE="proofs"):
        yield server
    server.thaw()
    server.close()


def headers() -> dict[str, str]:
    return HOLDER.headers("GET", WHOAMI, mint(cnf=HOLDER.cnf))


def test_of_sixteen_simultaneous_requests_with_one_proof_one_is_accepted(redis: RedisServer) -> None:
    presented, statuses, start = headers(), [], threading.Barrier(16)

    def present() -> None:
        start.wait()
        statuses.append(Client().get(WHOAMI, headers=presented).status_code)
        databases.close_all()

    threads = [threading.Thread(target=present) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 15


def test_a_proof_is_stored_as_a_hash_until_it_would_be_refused_for_its_age(redis: RedisServer, client: Client) -> None:
    assert client.get(WHOAMI, headers=headers()).status_code == 200
    store = caches["proofs"]._cache.get_client()  # Django's own client of Redis
    (key,) = store.keys("*")
    assert 60 < store.ttl(key) <= 90
    assert b"dpop_" in key
    assert len(key) < 60


def test_while_redis_hangs_a_bound_token_is_503_and_a_bearer_token_is_not(
    redis: RedisServer, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_url, "CACHE_WAIT", 0.2)
    settings.CACHES = {**settings.CACHES, "proofs": environment.cache("OWN_CACHE_URL")}
    presented = headers()
    redis.freeze()
    answer = client.get(WHOAMI, headers=presented)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert client.get(WHOAMI, headers=bearer(mint())).status_code == 200
