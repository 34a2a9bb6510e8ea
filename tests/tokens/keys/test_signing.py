"""The snapshot: no query while it is fresh, no outage noticed while it is younger than N, refusal after."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.db import OperationalError

from tokens.keys.errors import NotReady
from tokens.keys.policy import PRODUCTION
from tokens.keys.snapshots import PAUSE, Snapshot, Snapshots

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Database:
    """Reads that are counted, and that fail while it is down."""

    def __init__(self):
        self.reads, self.up = 0, True

    def read(self, _ring, now):
        self.reads += 1
        if not self.up:
            raise OperationalError
        return Snapshot(
            stored=(), pairs={}, missing=frozenset(), policy=PRODUCTION, database_time=now, wall_time=now, monotonic=0.0
        )


@pytest.fixture
def database():
    with patch("tokens.keys.snapshots.time.monotonic", return_value=0.0):
        yield Database()


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_fresh_snapshot_costs_no_query(database):
    snapshots = Snapshots(database.read)
    for seconds in (0, 5, 15):
        snapshots.get("default", now=after(seconds))
    assert database.reads == 1
    snapshots.get("default", now=after(16))
    assert database.reads == 2


def test_an_outage_shorter_than_n_is_invisible_and_a_longer_one_is_refused(database):
    snapshots = Snapshots(database.read)
    held = snapshots.get("default", now=NOW)
    database.up = False
    assert snapshots.get("default", now=after(120)) is held
    with pytest.raises(NotReady):
        snapshots.get("default", now=after(121))
    database.up = True
    with patch("tokens.keys.snapshots.time.monotonic", return_value=PAUSE):
        assert snapshots.get("default", now=after(122)) is not held


def test_after_a_failure_nobody_asks_again_for_a_second(database):
    snapshots = Snapshots(database.read)
    held = snapshots.get("default", now=NOW)
    database.up = False
    for _ in range(5):
        assert snapshots.get("default", now=after(20)) is held
    assert database.reads == 2
    with patch("tokens.keys.snapshots.time.monotonic", return_value=PAUSE):
        snapshots.get("default", now=after(20))
    assert database.reads == 3


def test_a_database_that_never_answered_is_not_ready(database):
    database.up = False
    with pytest.raises(NotReady, match="database"):
        Snapshots(database.read).get("default", now=NOW)


def test_the_clock_is_the_database_s_carried_forward(database):
    snapshot = database.read("default", NOW)
    assert snapshot.clock(now=after(7)) == after(7)
    with patch("tokens.keys.snapshots.time.monotonic", return_value=9.0):
        assert snapshot.clock(now=after(7)) == after(9), "the larger of monotonic and wall time counts"
