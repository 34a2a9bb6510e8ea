"""The throttles (rate limits) of an API if its Redis hangs: only one request waits for Redis."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_framework.settings import api_settings

from project.settings import environment, service_url
from resources import throttle_cache
from resources.testing import pinned
from tests.resources.test_throttle_cache import RATES, Throttled, call
from tests.services.redis_server import RedisServer

pytestmark = pytest.mark.services


@pytest.fixture
def redis(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """Yield a Redis for this test, which is the shared cache of the API.

    After a failure of Redis, the API does not use it for some seconds. The clock of the API's cache stands still in
    these tests, so the API never uses Redis again.
    """
    server = RedisServer(tmp_path)
    monkeypatch.setenv("OWN_CACHE_URL", server.url)
    monkeypatch.setattr(throttle_cache.cache, "_failed", False)
    monkeypatch.setattr(throttle_cache.cache, "_clock", lambda: 0.0)
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": RATES}
    with pinned():
        yield server
    api_settings.reload()
    server.thaw()
    server.close()


def test_a_redis_that_hangs_costs_one_request_its_timeout_and_the_others_nothing(
    redis: RedisServer, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service_url, "CACHE_WAIT", 10.0)  # a busy machine is no outage
    settings.CACHES = {**settings.CACHES, "default": environment.cache("OWN_CACHE_URL")}
    assert [call(Throttled).status_code for _ in range(4)] == [200, 200, 200, 429]
    monkeypatch.setattr(service_url, "CACHE_WAIT", 0.2)
    settings.CACHES = {**settings.CACHES, "default": environment.cache("OWN_CACHE_URL")}
    redis.freeze()
    with caplog.at_level(logging.ERROR):
        assert {call(Throttled).status_code for _ in range(20)} == {200}
    assert len([record for record in caplog.records if "count nothing" in record.message]) == 1, "it was asked once"
