"""A node's snapshot of a key ring.

A fresh snapshot is used without an SQL query. During an outage of the database, the snapshot is used until it is older
than `snapshot_age`. Then it is refused.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from tokens.keys.errors import NotReady
from tokens.keys.read_cache import PAUSE, Snapshots
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules.policy import PRODUCTION

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Database:
    """A fake database that counts reads, and a monotonic clock that shows `seconds`. While it is down, reads fail."""

    def __init__(self):
        self.reads, self.up, self.now, self.seconds = 0, True, NOW, 0.0

    def read(self, _ring="default", _now=NOW):
        self.reads += 1
        if not self.up:
            raise OperationalError
        return Snapshot(
            stored=(),
            pairs={},
            missing=frozenset(),
            policy=PRODUCTION,
            clock_time=self.now,
            wall_time=self.now,
            monotonic=self.seconds,
            monotonic_clock=self.monotonic,
        )

    def monotonic(self):
        return self.seconds

    def snapshots(self):
        return Snapshots(self.read, clock=self.monotonic)


@pytest.fixture
def database():
    return Database()


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_fresh_snapshot_costs_no_query(database):
    snapshots = database.snapshots()
    for seconds in (0, 5, 15):
        snapshots.get("default", now=after(seconds))
    assert database.reads == 1
    snapshots.get("default", now=after(16))
    assert database.reads == 2


def test_an_outage_shorter_than_n_is_invisible_and_a_longer_one_is_refused(database):
    snapshots = database.snapshots()
    old = snapshots.get("default", now=NOW)
    database.up = False
    assert snapshots.get("default", now=after(120)) is old
    with pytest.raises(NotReady):
        snapshots.get("default", now=after(121))
    database.up, database.now = True, after(122)
    database.seconds = PAUSE
    assert snapshots.get("default", now=after(122)) is not old


def test_after_a_failure_no_request_reads_for_a_second(database):
    snapshots = database.snapshots()
    old = snapshots.get("default", now=NOW)
    database.up = False
    for _ in range(5):
        assert snapshots.get("default", now=after(20)) is old
    assert database.reads == 2
    database.seconds = PAUSE
    snapshots.get("default", now=after(20))
    assert database.reads == 3


def test_a_database_that_never_answered_is_not_ready(database):
    database.up = False
    with pytest.raises(NotReady, match="database"):
        database.snapshots().get("default", now=NOW)


def test_the_clock_is_the_database_s_carried_forward(database):
    snapshot = database.read()
    assert snapshot.clock(now=after(7)) == after(7)
    database.seconds = 9.0
    assert snapshot.clock(now=after(7)) == after(9), "the larger of monotonic and wall time counts"


@pytest.mark.parametrize(
    ("wall", "carried", "is_stepped"),
    [
        (9.0, 9.0, False),
        (9.9, 9.0, False),  # corrected by less than a second: tokens are not dated ahead for it
        (60.0, 60.0, True),  # suspended for 51 s, or set
        (-60.0, 9.0, True),  # set back, or read a minute ago by a request that stood still
    ],
)
def test_the_database_s_clock_is_carried_forward_by_monotonic_time(database, wall, carried, is_stepped):
    snapshot = database.read()
    database.seconds = 9.0
    assert snapshot.carried(node_time=after(wall)) == after(carried)
    assert snapshot.was_stepped(node_time=after(wall)) is is_stepped


def test_a_process_that_was_suspended_right_after_its_reading_reads_again(database):
    still = iter([121.0])

    def read(ring, now):
        snapshot = database.read(ring, now)
        database.seconds += next(still, 0.0)
        return snapshot

    snapshots = Snapshots(read, clock=database.monotonic)
    assert snapshots.get("default", now=NOW).monotonic == 121.0
    assert database.reads == 2


def test_a_clock_that_was_set_costs_one_read(database):
    snapshots = database.snapshots()
    snapshots.at("default", node_time=NOW)
    database.now = after(2)
    for _ in range(5):
        snapshots.at("default", node_time=after(2))
    assert database.reads == 2


def test_a_clock_that_was_set_during_an_outage_is_carried_forward_by_the_larger_of_both(database):
    snapshots = database.snapshots()
    old = snapshots.at("default", node_time=NOW)
    database.up = False
    assert snapshots.at("default", node_time=after(100)) is old
    assert old.carried(node_time=after(100)) == after(100)
    with pytest.raises(NotReady):
        snapshots.at("default", node_time=after(121))
