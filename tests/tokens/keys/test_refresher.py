"""The background refresh of snapshots.

While the refresh thread is alive, requests use its snapshots. Otherwise, requests read the database themselves.
"""

import os
import threading
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.db import OperationalError

from tokens import conf
from tokens.keys.errors import NotReady
from tokens.keys.read_cache import Read, Snapshots
from tokens.keys.refresher import LOOKS, Duty, Refresher
from tokens.keys.rules.policy import PRODUCTION

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class World:
    """A fake database, with a clock and with rows that have the names `names`.

    It records the names of the rows that are read, and the threads that read them.
    """

    def __init__(self, *names):
        self.names, self.now, self.reads, self.fails = list(names), NOW, [], False
        self.read_by: set[int] = set()
        self.snapshots = Snapshots(self.read, clock=self.monotonic, what="the things")
        self.duty = Duty(self.snapshots, self.list)
        self.refresher = Refresher((self.duty,))
        self.looked = threading.Semaphore(0)

    def list(self):
        self.looked.release()
        if self.fails:
            raise OperationalError("gone")
        return list(self.names)

    def read(self, name, now):
        self.reads.append(name)
        self.read_by.add(threading.get_ident())
        if self.fails:
            raise OperationalError("gone")
        return Read(
            policy=PRODUCTION,
            clock_time=now,
            wall_time=now,
            monotonic=self.monotonic(),
            monotonic_clock=self.monotonic,
        )

    def monotonic(self):
        return (self.now - NOW).total_seconds()

    def look(self, **bound):
        self.refresher.look(clock=lambda: self.now, **bound)


@pytest.fixture
def world():
    created = World("default", "orders")
    yield created
    created.refresher.stop()


def start(world):
    """Start the refresh thread, and return when its first round is complete."""
    world.refresher.start(clock=lambda: world.now)
    for _ in range(2):  # the second look begins after the first has read
        assert world.looked.acquire(timeout=60)


@pytest.fixture
def without_pause(monkeypatch):
    """Let the rounds of the refresh thread follow each other without a pause."""
    monkeypatch.setattr("tokens.keys.refresher.LOOKS", 10_000)


def test_a_look_reads_every_name_before_any_request_needs_it(world):
    world.look()
    assert world.reads == ["default", "orders"]


def test_a_look_reads_again_before_a_snapshot_is_due(world):
    world.look()
    world.now += PRODUCTION.reread / 2
    world.look()
    assert len(world.reads) == 2, "not yet"
    world.now += SECOND
    world.look()
    assert len(world.reads) == 4
    assert PRODUCTION.reread / 2 + PRODUCTION.reread / LOOKS < PRODUCTION.reread


def test_while_the_thread_runs_a_request_reads_nothing_until_n_and_then_by_itself(world, without_pause):
    start(world)
    world.reads.clear()
    world.fails = True
    world.now += PRODUCTION.snapshot_age
    world.read_by.clear()
    assert world.snapshots.get("orders", now=world.now)
    assert threading.get_ident() not in world.read_by
    with pytest.raises(NotReady, match="the things could not be read from the database for too long"):
        world.snapshots.get("orders", now=world.now + SECOND)


def test_if_it_does_not_run_a_request_reads_what_is_older_than_reread(world):
    world.snapshots.get("orders", now=NOW)
    world.snapshots.get("orders", now=NOW + PRODUCTION.reread + SECOND)
    assert world.reads == ["orders", "orders"]


def test_after_a_stop_requests_read_by_themselves_again(world, without_pause):
    start(world)
    world.refresher.stop()
    assert not world.refresher.is_alive()
    world.reads.clear()
    world.snapshots.get("orders", now=world.now + PRODUCTION.reread + SECOND)
    assert world.reads == ["orders"]


def test_an_outage_ends_neither_the_thread_nor_the_snapshots(world, without_pause):
    world.look()
    world.fails = True
    start(world)
    assert world.refresher.is_alive()
    assert world.snapshots.names() == ["default", "orders"]
    world.fails = False


def test_an_unexpected_error_does_not_end_the_thread(world, without_pause, caplog):
    def broken():
        world.looked.release()
        raise RuntimeError("unthought of")

    world.refresher._duties = (Duty(world.snapshots, broken),)
    start(world)
    assert world.refresher.is_alive()
    assert "The background refresh failed and will be retried" in caplog.text


def test_the_thread_pauses_for_a_part_of_reread_after_each_look(world):
    looks, pauses = count(), []

    class Ended(threading.Event):
        def is_set(self):
            return next(looks) == 2

        def wait(self, timeout=None):
            pauses.append(timeout)

    world.refresher._ended = Ended()
    thread = threading.Thread(target=world.refresher._run, args=(lambda: world.now, nullcontext))
    thread.start()
    thread.join()
    assert pauses == [conf.issuer().key_policy.reread.total_seconds() / LOOKS] * 2


def test_a_name_that_a_whole_look_did_not_find_is_unknown_for_n(world, without_pause):
    assert not world.refresher.is_unknown(world.duty, "invented", now=NOW), "nothing looked yet"
    start(world)
    assert world.refresher.is_unknown(world.duty, "invented", now=NOW)
    assert not world.refresher.is_unknown(world.duty, "orders", now=NOW)
    assert not world.refresher.is_unknown(world.duty, "invented", now=NOW + PRODUCTION.snapshot_age + SECOND)
    world.refresher.stop()
    assert not world.refresher.is_unknown(world.duty, "invented", now=NOW)


def test_each_read_has_its_own_time_limit(world):
    entered = []

    @contextmanager
    def bound():
        entered.append("in")
        yield
        entered.append("out")

    world.look(bound=bound)
    assert entered == ["in", "out"] * 3, "the names, and two of them"


def test_a_second_start_does_nothing(world, without_pause):
    start(world)
    thread = world.refresher._thread
    world.refresher.start(clock=lambda: world.now)
    assert world.refresher._thread is thread


def test_a_forked_process_starts_a_thread_of_its_own(world, without_pause):
    start(world)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        alone = not world.refresher.is_alive()
        world.refresher.start_again_in_child()
        os.write(writing, b"y" if alone and world.refresher.is_alive() else b"n")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 1) == b"y"
    os.close(reading)
    os.close(writing)


def test_each_look_ends_with_the_task_also_if_the_database_is_away(world):
    recorded = []
    bounds = []

    @contextmanager
    def bound():
        bounds.append("in")
        yield
        bounds.append("out")

    def record(*, now):
        recorded.append((now, bounds[-1]))

    world.refresher = Refresher((world.duty,), record=record)
    world.look(bound=bound)
    world.fails = True
    world.look(bound=bound)
    assert recorded == [(NOW, "in"), (NOW, "in")]
