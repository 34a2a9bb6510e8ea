"""The system check that warns about a Redis that evicts counters or does not answer."""

from unittest.mock import patch

import pytest
import redis
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from tokens.checks import cache
from tokens.checks.cache import check_caches


@pytest.fixture
def memory(monkeypatch):
    """Return the memory statistics that each Redis reports. A test can change them."""
    answers = {alias: {"maxmemory": 0, "maxmemory_policy": "noeviction"} for alias in cache.VARIABLES}

    class Redis(RedisCache):
        def __init__(self, alias):
            self.alias = alias

    def answer(backend):
        if isinstance(answers[backend.alias], Exception):
            raise answers[backend.alias]
        return answers[backend.alias]

    monkeypatch.setattr(cache, "caches", {alias: Redis(alias) for alias in answers})
    monkeypatch.setattr(cache, "_memory", answer)
    return answers


def warnings():
    return [(message.id, message.msg) for message in check_caches(databases=["default"])]


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"])
def test_a_policy_that_evicts_is_a_warning_for_logins_and_for_tokens(memory, policy):
    """Every cache entry has an expiry time, so `volatile` eviction policies evict it as well."""
    memory |= {alias: {"maxmemory": 1024, "maxmemory_policy": policy} for alias in memory}
    (login, token) = warnings()
    assert (login[0], token[0]) == ("tokens.W601", "tokens.W601")
    assert "LOGIN_CACHE_URL" in login[1]
    assert policy in login[1]
    assert "password guesses" in login[1]
    assert "LOGIN" not in token[1]


def test_a_separate_redis_protects_login_counters_from_eviction(memory):
    memory["default"] = {"maxmemory": 1024, "maxmemory_policy": "allkeys-lru"}
    assert [check_id for check_id, _ in warnings()] == ["tokens.W601"]


@pytest.mark.parametrize(("limit", "policy"), [(0, "allkeys-lru"), (1024, "noeviction"), (0, "noeviction")])
def test_without_a_memory_limit_or_with_noeviction_there_is_no_warning(memory, limit, policy):
    memory |= {alias: {"maxmemory": limit, "maxmemory_policy": policy} for alias in memory}
    assert warnings() == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (redis.exceptions.NoPermissionError("no permissions to run 'info'"), "tokens.W603"),
        (redis.exceptions.ResponseError("unknown command"), "tokens.W603"),
        (redis.exceptions.TimeoutError("password=hunter2"), "tokens.W602"),
        (redis.exceptions.ConnectionError("password=hunter2"), "tokens.W602"),
        (redis.exceptions.AuthenticationError("password=hunter2"), "tokens.W602"),
    ],
    ids=lambda argument: getattr(argument, "__class__", argument).__name__,
)
def test_a_redis_that_hides_its_policy_is_a_warning_without_a_secret(memory, error, code):
    memory["guesses"] = error
    ((got, message),) = warnings()
    assert got == code
    assert "hunter2" not in message


def test_redis_is_not_asked_if_no_database_is_checked(memory):
    with patch.object(cache, "_memory") as memory_call:
        assert check_caches(databases=None) == []
        assert check_caches() == []
    assert not memory_call.called


def test_counters_in_process_memory_are_not_checked():
    assert not isinstance(caches["default"], RedisCache)
    assert warnings() == []
