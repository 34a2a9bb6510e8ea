"""The configuration of caches: limits for every wait, no retry, and a separate Redis for login sessions."""

import threading
from types import SimpleNamespace

import pytest
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured

from project.redis_cache import CountingRedisCache, OwnConnection
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


class Line:
    """A fake connection of redis-py.

    `answers` are the server's answers in order. If an answer is an exception, it is raised instead of returned.
    """

    def __init__(self, *answers):
        self.is_connected, self.answers, self.commands = False, list(answers), []

    def send_command(self, *command):
        self.is_connected = True
        self.commands.append(command)

    def read_response(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def disconnect(self):
        self.is_connected = False


def server(*lines):
    """Return a fake redis-py client. Each new connection of its pool is one of `lines`, from the last to the first."""
    return SimpleNamespace(connection_pool=SimpleNamespace(make_connection=list(lines).pop))


def increment(own, client):
    return own.ask(client, "INCR", "a", closed=ConnectionError)


def test_a_connection_is_kept_for_the_next_command():
    own, line = OwnConnection(), Line(1, 2)
    client = server(line)
    assert [increment(own, client), increment(own, client)] == [1, 2]
    assert line.commands == [("INCR", "a")] * 2


def test_a_connection_that_the_server_closed_while_idle_is_opened_again():
    own, line = OwnConnection(), Line(1, ConnectionError(), 2)
    client = server(line)
    assert [increment(own, client), increment(own, client)] == [1, 2]


@pytest.mark.parametrize("answers", [(ConnectionError(),), (1, ConnectionError(), ConnectionError())])
def test_a_server_that_is_away_is_tried_once(answers):
    own, line = OwnConnection(), Line(*answers)
    client = server(line)
    for _ in answers[:-2]:
        increment(own, client)
    with pytest.raises(ConnectionError):
        increment(own, client)
    assert line.answers == []


def test_no_answer_that_comes_late_is_read_for_the_next_command():
    own, line = OwnConnection(), Line(TimeoutError(), 2)
    client = server(line)
    with pytest.raises(TimeoutError):
        increment(own, client)
    assert not line.is_connected, "closed"
    assert increment(own, client) == 2


def test_each_thread_has_a_connection_of_its_own():
    own, lines = OwnConnection(), [Line(1), Line(1)]
    client = server(*lines)
    thread = threading.Thread(target=increment, args=(own, client))
    thread.start()
    thread.join()
    increment(own, client)
    assert [line.commands for line in lines] == [[("INCR", "a")]] * 2


def test_a_value_is_stored_by_one_command_as_django_stores_it():
    cache, line = CountingRedisCache("redis://cache:6379/0", {}), Line(b"OK")
    cache._own.connection = line
    cache.set("key", ("a", 401), 4)
    ((command, name, stored, *rest),) = line.commands
    assert (command, name, rest) == ("SET", cache.make_key("key"), ["EX", 4])
    assert cache._cache._serializer.loads(stored) == ("a", 401)


@pytest.mark.parametrize("lifetime", [None, 0, -1])
def test_a_value_without_a_lifetime_is_left_to_django(lifetime, monkeypatch):
    seen = []
    monkeypatch.setattr(RedisCache, "set", lambda _self, *arguments: seen.append(arguments))
    cache, line = CountingRedisCache("redis://cache:6379/0", {}), Line()
    cache._own.connection = line
    cache.set("key", "value", lifetime)
    assert (seen, line.commands) == ([("key", "value", lifetime, None)], [])
