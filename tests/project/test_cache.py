"""How a cache is configured: bounds on every wait, no retry, and a Redis of their own for logins."""

import pytest
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured

from project.settings import environment

AT = {"CACHE_URL": "redis://cache:6379/0", "LOGIN_CACHE_URL": "redis://logins:6379/0"}


@pytest.fixture
def variables(monkeypatch):
    def put(**values):
        for name in AT:
            monkeypatch.setenv(name, values.get(name, ""))

    return put


@pytest.mark.parametrize("url", ["redis://c:6379/1", "rediss://c:6379", "valkey://c:6379", "unix:///run/redis.sock"])
def test_each_wait_for_a_redis_is_a_fifth_of_a_second_and_nothing_is_tried_again(variables, url):
    variables(CACHE_URL=url)
    config = environment.cache("CACHE_URL")
    client = RedisCache(config["LOCATION"], config)._cache.get_client()
    connection = client.connection_pool.make_connection()
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (0.2, 0.2)
    assert connection.retry.get_retries() == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("CACHE_URL",), AT["CACHE_URL"]),
        (("CACHE_URL", "LOGIN_CACHE_URL"), AT["LOGIN_CACHE_URL"]),
        (("LOGIN_CACHE_URL",), AT["LOGIN_CACHE_URL"]),
    ],
)
def test_logins_are_counted_in_their_own_redis_if_there_is_one(variables, given, expected):
    variables(**{name: AT[name] for name in given})
    assert environment.cache("LOGIN_CACHE_URL", "CACHE_URL", apart="guesses")["LOCATION"] == expected


def test_without_either_they_are_counted_in_the_process_apart_from_the_rest(variables):
    variables()
    assert environment.cache("LOGIN_CACHE_URL", "CACHE_URL", apart="guesses")["LOCATION"] == "guesses"
    assert environment.cache("CACHE_URL")["LOCATION"] == ""


def test_the_one_that_is_malformed_is_named(variables):
    variables(CACHE_URL=AT["CACHE_URL"], LOGIN_CACHE_URL="http://x")
    with pytest.raises(ImproperlyConfigured, match=r"^LOGIN_CACHE_URL must"):
        environment.cache("LOGIN_CACHE_URL", "CACHE_URL")
