"""A Redis that evicts counters, or does not answer, is named at start."""

from unittest.mock import patch

import pytest
import redis
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

from tokens.checks import cache
from tokens.checks.cache import check_caches


@pytest.fixture
def told(monkeypatch):
    """What each Redis tells of its memory."""
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


def found():
    return [(one.id, one.msg) for one in check_caches(databases=["default"])]


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"])
def test_a_policy_that_evicts_is_a_warning_for_logins_and_for_tokens(told, policy):
    """Each of our keys has an expiry, so that `volatile` policies evict it as well."""
    told |= {alias: {"maxmemory": 1024, "maxmemory_policy": policy} for alias in told}
    (login, token) = found()
    assert (login[0], token[0]) == ("tokens.W601", "tokens.W601")
    assert "LOGIN_CACHE_URL" in login[1]
    assert policy in login[1]
    assert "password guesses" in login[1]
    assert "LOGIN" not in token[1]


def test_a_redis_of_their_own_keeps_logins_from_the_other_s_policy(told):
    told["default"] = {"maxmemory": 1024, "maxmemory_policy": "allkeys-lru"}
    assert [one for one, _ in found()] == ["tokens.W601"]


@pytest.mark.parametrize(("limit", "policy"), [(0, "allkeys-lru"), (1024, "noeviction"), (0, "noeviction")])
def test_without_a_limit_or_with_noeviction_there_is_nothing_to_say(told, limit, policy):
    told |= {alias: {"maxmemory": limit, "maxmemory_policy": policy} for alias in told}
    assert found() == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (redis.exceptions.NoPermissionError("no permissions to run 'info'"), "tokens.W603"),
        (redis.exceptions.ResponseError("unknown command"), "tokens.W603"),
        (redis.exceptions.TimeoutError("password=hunter2"), "tokens.W602"),
        (redis.exceptions.ConnectionError("password=hunter2"), "tokens.W602"),
        (redis.exceptions.AuthenticationError("password=hunter2"), "tokens.W602"),
    ],
    ids=lambda one: getattr(one, "__class__", one).__name__,
)
def test_one_that_tells_nothing_is_a_warning_without_a_secret(told, error, code):
    told["guesses"] = error
    ((got, message),) = found()
    assert got == code
    assert "hunter2" not in message


def test_nothing_is_asked_by_commands_that_check_no_database(told):
    with patch.object(cache, "_memory") as asked:
        assert check_caches(databases=None) == []
        assert check_caches() == []
    assert not asked.called


def test_counters_in_the_process_are_not_asked_about():
    assert not isinstance(caches["default"], RedisCache)
    assert found() == []
