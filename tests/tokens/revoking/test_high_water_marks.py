"""Records of the newest states of the database, well-formed and malformed, in a fake Redis.

tests/services/test_high_water.py uses a real Redis.
"""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.core.cache.backends.redis import RedisCache

from tokens.limits.circuit import Circuit
from tokens.revoking import high_water_marks
from tokens.revoking.feed_log import Version
from tokens.revoking.high_water_marks import PAUSE, Event, Marks

NOW = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
MICROSECONDS = 1_893_499_200_123_456


class Redis(RedisCache):
    """A fake Redis.

    Each pipeline gets `answers` as its result. If `answers` is an exception, the pipeline raises it.
    """

    key_prefix, version = "", 1

    def __init__(self):
        self._cache = self
        self.answers, self.asked = [[], [], None], 0

    key_func = staticmethod(lambda key, prefix, version: f"{prefix}:{version}:{key}")

    def get_client(self, write):
        assert write, "a replica can lag"
        return self

    def pipeline(self, transaction=True):
        return self

    def zrevrange(self, key, start, end):
        pass

    def get(self, key):
        pass

    def execute(self):
        self.asked += 1
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers

    def delete(self, *keys):
        return self.execute()


@pytest.fixture
def server(monkeypatch):
    fake = Redis()
    monkeypatch.setattr(high_water_marks, "caches", {high_water_marks.ALIAS: fake})
    monkeypatch.setattr(high_water_marks, "circuit", Circuit(PAUSE))
    return fake


@pytest.mark.parametrize(
    ("answers", "marks"),
    [
        ([[], [], None], Marks()),
        ([[b"12.AAAAAAAAAAA"], [], None], Marks(feed=Version(12, "AAAAAAAAAAA"))),
        ([[b"x.AAAAAAAAAAA"], [], None], Marks()),
        ([[b""], [b""], b""], Marks()),
        ([[], [f"7.{MICROSECONDS}".encode()], None], Marks(event=Event(7, NOW))),
        ([[], [b"7"], None], Marks()),
        ([[], [b"7.x"], None], Marks()),
        ([[], [b"7.999999999999999999"], None], Marks()),
        ([[], ["\u0667.\u0667".encode()], None], Marks()),
        ([[], [], b"1f2e"], Marks(registry="1f2e")),
        ([[b"\xff"], [b"\xff"], b"\xff"], Marks(registry="\ufffd")),
    ],
)
def test_a_malformed_mark_is_ignored(server, answers, marks):
    server.answers = answers
    assert high_water_marks.read(now=NOW) == marks


def test_without_a_redis_there_are_no_marks_and_nothing_to_reset():
    assert high_water_marks.read(now=NOW) is None
    assert high_water_marks.reset(now=NOW)
    assert not high_water_marks.was_replaced("value", now=NOW)


def test_after_a_failure_redis_gets_no_command_for_a_pause(server):
    server.answers = redis.exceptions.TimeoutError("password=hunter2")
    assert high_water_marks.read(now=NOW) is None
    assert high_water_marks.read(now=NOW + timedelta(seconds=PAUSE - 1)) is None
    assert not high_water_marks.reset(now=NOW + timedelta(seconds=1))
    assert server.asked == 1
    server.answers = [[], [], b"value"]
    assert high_water_marks.read(now=NOW + timedelta(seconds=PAUSE)) == Marks(registry="value")


@pytest.mark.parametrize("error", [redis.exceptions.OutOfMemoryError, redis.exceptions.NoPermissionError])
def test_a_redis_that_refuses_a_command_gets_the_next_one_without_a_pause(server, error, caplog):
    server.answers = error("password=hunter2")
    assert high_water_marks.read(now=NOW) is None
    assert not high_water_marks.reset(now=NOW)
    assert server.asked == 2
    assert error.__name__ in caplog.text
    assert "hunter2" not in caplog.text


def test_two_issuers_in_one_redis_have_marks_of_their_own(server, settings):
    key = high_water_marks._key("feed")
    settings.ISSUER = settings.ISSUER | {"URL": "https://other.example"}
    assert high_water_marks._key("feed") != key
