"""Snapshots of key rings with many threads and in outages.

One thread reads the database, and the others use the old snapshot. A snapshot that is older than `snapshot_age` is
refused.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from tests.clock import node_at
from tests.tokens.factories import basic, post
from tokens.keys import keyring, store
from tokens.keys.errors import NotReady
from tokens.keys.read_cache import Snapshots
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules.policy import PRODUCTION

NOW = datetime(2026, 1, 1, tzinfo=UTC)
THREADS = 8
JWKS = "/.well-known/jwks.json"


def standing():
    """Return 0.0: a monotonic clock that stands still."""
    return 0.0


class Slow:
    """A fake database. It answers a read when the test permits it, and counts the reads."""

    def __init__(self):
        self.reads, self.answer, self.started = 0, threading.Event(), threading.Event()

    def read(self, _ring, now):
        self.reads += 1
        self.started.set()
        if not self.answer.wait(timeout=60):
            raise OperationalError
        return Snapshot(
            stored=(),
            pairs={},
            missing=frozenset(),
            policy=PRODUCTION,
            clock_time=now,
            wall_time=now,
            monotonic=0.0,
            monotonic_clock=standing,
        )


@pytest.fixture
def slow():
    return Slow()


def test_threads_that_find_no_snapshot_wait_for_one_read(slow):
    snapshots = Snapshots(slow.read, clock=standing)
    with ThreadPoolExecutor(THREADS) as threads:
        waiting = [threads.submit(snapshots.get, "default", now=NOW) for _ in range(THREADS)]
        assert slow.started.wait(timeout=60)
        slow.answer.set()
        assert len({id(thread.result(timeout=60)) for thread in waiting}) == 1
    assert slow.reads == 1


def test_a_snapshot_that_is_fresh_enough_never_blocks_while_another_thread_reads(slow):
    snapshots = Snapshots(slow.read, clock=standing)
    slow.answer.set()
    old = snapshots.get("default", now=NOW)
    slow.answer.clear()
    slow.started.clear()
    late = NOW + PRODUCTION.reread + timedelta(seconds=1)
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(snapshots.get, "default", now=late)
        assert slow.started.wait(timeout=60)
        for now in (NOW, late, NOW + PRODUCTION.snapshot_age):
            assert snapshots.get("default", now=now) is old
        assert not reading.done()
        slow.answer.set()
        assert reading.result(timeout=60) is not old
    assert slow.reads == 2


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_read_that_fails_while_other_threads_wait_costs_one_read_and_each_thread_gets_the_error(slow, error):
    def fail(_ring, now):
        slow.read(_ring, now)
        raise error

    snapshots = Snapshots(fail, clock=standing)
    with ThreadPoolExecutor(THREADS) as threads:
        waiting = [threads.submit(snapshots.get, "default", now=NOW) for _ in range(THREADS)]
        assert slow.started.wait(timeout=60)
        slow.answer.set()
        for thread in waiting:
            with pytest.raises(NotReady, match="the keys cannot be read from the database"):
                thread.result(timeout=60)
    assert slow.reads == 1, "a thread that waited does not query the database that just failed"


class Outage:
    """The clock during an outage of the database, which begins at `start`. `later` moves the clock forward."""

    def __init__(self, start):
        self.now = start

    def later(self, duration):
        self.now += duration


@pytest.fixture
def outage(client, apis, service):
    """Let the issuer read its keys, and then make its database fail.

    Yield an object by which the test moves the clock.
    """
    call_command("rotate_keys", verbosity=0)
    client.get(JWKS)
    begun = Outage(timezone.now())
    real = keyring.snapshots._read

    def read(ring, now):
        try:
            with patch.object(connection, "cursor", side_effect=OperationalError("gone")):
                return real(ring, now)
        except OperationalError:
            begun.tried = True
            raise

    with (
        patch.object(keyring.snapshots, "_read", read),
        node_at(lambda: begun.now),
    ):
        yield begun


def token(client, service):
    return post(
        client,
        "/oauth/token",
        {"grant_type": "client_credentials", "scope": "notes:read"},
        **basic("service", service.plain),
    )


@pytest.mark.django_db
def test_within_n_of_an_outage_the_jwks_is_served_and_tokens_are_signed(client, outage, service, caplog):
    before = client.get(JWKS).content
    outage.later(PRODUCTION.snapshot_age - timedelta(seconds=5))
    assert client.get(JWKS).content == before
    assert outage.tried, "the database was queried, and failed"
    assert "The keys could not be read: OperationalError" in caplog.text
    assert token(client, service).status_code == 200


@pytest.mark.django_db
def test_past_n_of_an_outage_both_are_refused_with_retry_after(client, outage, service):
    outage.later(PRODUCTION.snapshot_age + timedelta(seconds=1))
    refused = client.get(JWKS)
    assert (refused.status_code, refused["Retry-After"], refused["Cache-Control"]) == (503, "5", "no-store")
    assert refused.json() == {
        "error": "temporarily_unavailable",
        "error_description": "The keys are not available at the moment.",
    }
    assert refused["Access-Control-Allow-Origin"] == "*"
    answer = token(client, service)
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store")
    assert store.database_now(), "the database itself is there: only the keys could not be read"
