"""Rate limits and refusals that several processes share through Redis."""

import os
import secrets
import socket
from datetime import UTC, datetime

import pytest
from django.core.cache.backends.redis import RedisCache

from project.redis_cache import CountingRedisCache
from project.settings import service_url
from tokens.limits import cache_circuit, rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.settings.rate import Rate
from tokens.views import refusal_store

pytestmark = pytest.mark.services
REDIS = os.environ.get("TEST_CACHE_URL", "redis://127.0.0.1:6379/0")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def process(monkeypatch, url=REDIS):
    """Use a new connection to the Redis at `url`, so that the next counts are like those of another process."""
    monkeypatch.setattr(cache_circuit, "caches", {"default": RedisCache(url, {})})


def test_two_processes_count_together(monkeypatch):
    who = (secrets.token_hex(8), "192.0.2.1")
    for _ in range(2):
        process(monkeypatch)
        rate_limit.count("token", who, Rate(2, 60), now=NOW)
    process(monkeypatch)
    with pytest.raises(TooMany):
        rate_limit.count("token", who, Rate(2, 60), now=NOW)


def test_processes_of_this_version_and_the_one_before_count_together(monkeypatch):
    who = (secrets.token_hex(8), "192.0.2.1")
    for cache in (CountingRedisCache(REDIS, {}), RedisCache(REDIS, {}), CountingRedisCache(REDIS, {})):
        monkeypatch.setattr(cache_circuit, "caches", {"default": cache})
        rate_limit.count("token", who, Rate(3, 60), now=NOW)
    with pytest.raises(TooMany) as refused:
        rate_limit.count("token", who, Rate(3, 60), now=NOW)
    assert refused.value.first


def test_a_counter_expires_after_its_first_value_and_later_values_do_not_prolong_it():
    cache, key = CountingRedisCache(REDIS, {}), f"rate:{secrets.token_hex(8)}"
    assert cache.count(key, 60) == 1
    client = cache._cache.get_client(write=True)
    assert 0 < client.ttl(cache.make_key(key)) <= 60
    client.expire(cache.make_key(key), 10)
    assert cache.count(key, 60) == 2
    assert 0 < client.ttl(cache.make_key(key)) <= 10
    assert cache._cache.get_client(write=True) is client, "kept"


def test_counting_goes_on_after_the_server_closed_the_connection():
    cache, key = CountingRedisCache(REDIS, {}), f"rate:{secrets.token_hex(8)}"
    assert cache.count(key, 60) == 1
    client = cache._cache.get_client(write=True)
    number = cache._own.ask(client, "CLIENT", "ID", closed=ConnectionError)
    assert client.client_kill_filter(_id=number) == 1
    assert cache.count(key, 60) == 2


def test_a_value_that_one_process_keeps_is_taken_by_one_other(monkeypatch):
    key, value = f"second:{secrets.token_hex(8)}", ("invalid_scope", "Name at least one scope.", 400, "reason", 1.5)
    process(monkeypatch)
    refusal_store.keep(key, value, 60, now=NOW)
    process(monkeypatch)
    assert [refusal_store.take(key, now=NOW) for _ in range(2)] == [value, None]


def test_a_value_that_two_processes_read_at_once_is_taken_by_the_one_that_deletes_it(monkeypatch):
    key = f"second:{secrets.token_hex(8)}"
    process(monkeypatch)
    refusal_store.keep(key, "value", 60, now=NOW)
    cache = cache_circuit.caches["default"]
    get = cache.get

    def read_and_lose(name):
        value = get(name)
        RedisCache(REDIS, {}).delete(name)  # the other process, between our two statements
        return value

    monkeypatch.setattr(cache, "get", read_and_lose)
    assert refusal_store.take(key, now=NOW) is None


def test_a_connection_that_is_idle_is_kept_alive():
    options = service_url.kept_alive(REDIS) | {"socket_timeout": 5}
    client = RedisCache(REDIS, {"OPTIONS": options})._cache.get_client()
    assert client.ping()
    (connection,) = client.connection_pool._available_connections
    assert connection._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert connection._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    client.connection_pool.disconnect()


def test_a_redis_that_is_away_is_said(monkeypatch):
    process(monkeypatch, "redis://127.0.0.1:1/0")
    with pytest.raises(NotCounted):
        rate_limit.count("token", ("a",), Rate(2, 60), now=NOW)
