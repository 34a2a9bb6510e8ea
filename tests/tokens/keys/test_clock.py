"""Reading the clocks of the node and of the database at one moment.

A wrong clock is detected. If a process was suspended between the two readings, its clock is not reported as wrong.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.clock import database_at, node_at
from tokens.keys import clock, keyring, store
from tokens.keys.errors import NotReady, Unsafe
from tokens.keys.rules.policy import PRODUCTION

START = datetime(2026, 1, 1, tzinfo=UTC)
DELTA = PRODUCTION.clock_error
SECOND = timedelta(seconds=1)


class Machine:
    """A node and its database. Time passes only between two readings of a clock, by the durations in `stops`."""

    def __init__(self, *, ahead=0.0, stops=()):
        self.ahead, self.stops = timedelta(seconds=ahead), iter(stops)
        self.time, self.readings = 0.0, 0

    def _pass(self):
        self.time += next(self.stops, 0.001)

    def database(self):
        self._pass()
        self.readings += 1
        return START + timedelta(seconds=self.time)

    def wall(self):
        self._pass()
        return START + timedelta(seconds=self.time) + self.ahead

    def monotonic(self):
        return self.time

    def read(self, **options):
        fake = SimpleNamespace(monotonic=self.monotonic)
        with (
            patch.object(clock, "time", fake),
            database_at(self.database),
            node_at(self.wall),
        ):
            return clock.read(**options)


@pytest.mark.parametrize("ahead", [0, 55, -55, 90, -90])
def test_the_skew_is_how_far_the_clocks_are_apart(ahead):
    reading = Machine(ahead=ahead).read()
    assert abs(reading.skew - timedelta(seconds=abs(ahead))) < timedelta(milliseconds=10)
    assert reading.skew <= timedelta(seconds=abs(ahead))


@pytest.mark.parametrize("place", [0, 1, 2], ids=["before", "before the database's clock", "after it"])
@pytest.mark.parametrize("ahead", [0, 30, -30])
def test_a_suspended_process_is_not_taken_for_a_wrong_clock(place, ahead):
    stops = [0.001] * place + [600.0]
    machine = Machine(ahead=ahead, stops=stops)
    reading = machine.read()
    assert abs(reading.skew - timedelta(seconds=abs(ahead))) < timedelta(milliseconds=10)
    assert reading.took < clock.CLOSE
    assert machine.readings == (1 if place == 0 else 2), "a slow reading is imprecise, and is repeated"


@pytest.mark.parametrize("ahead", [90, -90])
def test_a_wrong_clock_is_detected_although_the_process_is_suspended(ahead):
    reading = Machine(ahead=ahead, stops=[0.001, 600.0]).read()
    assert reading.skew > DELTA


def test_a_clock_that_the_caller_read_long_ago_is_not_taken_for_a_wrong_one():
    machine = Machine()
    reading = machine.read(since=START - timedelta(minutes=10))
    assert reading.skew < SECOND


def test_if_no_reading_is_quick_the_closest_of_three_counts():
    machine = Machine(stops=[0.001, 5.0, 0.001, 0.001, 0.5, 0.001, 0.001, 5.0, 0.001])
    reading = machine.read()
    assert machine.readings == clock.TRIES
    assert timedelta(seconds=0.4) < reading.took < SECOND


@pytest.mark.parametrize("stops", [[0.001, 5.0, 0.001], [0.001, 0.001, 5.0]], ids=["before it", "after it"])
def test_a_machine_that_stops_at_every_reading_is_not_taken_for_one_with_a_wrong_clock(stops):
    assert Machine(stops=stops * clock.TRIES).read().skew < timedelta(milliseconds=10)


# --- the clock that nodes share ---------------------------------------------------------------------------------------


@pytest.fixture
def ring(db):
    call_command("rotate_keys", verbosity=0)


def off(seconds):
    """Return a context manager: in its block, this node's clock is ahead of the database's clock by `seconds`."""
    real = timezone.now
    return node_at(lambda: real() + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [0, 55, -55])
def test_nodes_within_the_clock_error_have_one_clock(ring, seconds):
    with off(seconds):
        assert abs(keyring.clock(now=timezone.now()) - store.database_now()) < SECOND * 5


@pytest.mark.parametrize("seconds", [61, -61])
@pytest.mark.parametrize("is_set_up", [True, False], ids=["with a key", "before the first key"])
def test_a_node_beyond_the_clock_error_has_none(db, seconds, is_set_up):
    if is_set_up:
        call_command("rotate_keys", verbosity=0)
    with off(seconds):
        with pytest.raises(NotReady, match=r"this node's clock is 6[01]\.\d s away from the database's"):
            keyring.clock(now=timezone.now())
        if is_set_up:
            assert abs(keyring.carried_clock(now=timezone.now()) - store.database_now()) < SECOND * 5


@pytest.mark.parametrize(
    ("clock_error", "seconds"), [(600, 90), (10, 30)], ids=["longer in the settings", "shorter in the settings"]
)
def test_a_step_is_refused_if_the_skew_exceeds_the_shorter_clock_error_of_ring_and_settings(ring, clock_error, seconds):
    """The clock_error of the ring is 60 s."""
    settings = replace(PRODUCTION, clock_error=timedelta(seconds=clock_error))
    with off(seconds), pytest.raises(Unsafe, match="synchronise the clocks"):
        clock.refuse_skew(settings, now=timezone.now())


def test_before_the_first_key_the_database_is_queried(db):
    assert abs(keyring.clock(now=timezone.now()) - store.database_now()) < SECOND * 5


def test_an_estimate_reads_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert keyring.estimated_clock(now=START) == START


def test_an_estimate_uses_the_last_reading(ring):
    keyring.clock(now=timezone.now())
    with off(-3600):
        assert abs(keyring.estimated_clock(now=timezone.now()) - store.database_now()) < SECOND * 5


def test_a_clock_that_is_set_is_compared_with_the_database_s_at_once(ring):
    """If this node's clock was set since the keys were read, both clocks are read again at once.

    Otherwise the node would date tokens by its wrong clock until the next regular reading.
    """
    keyring.clock(now=timezone.now())
    for seconds in (10, -10):
        with off(seconds):
            assert abs(keyring.clock(now=timezone.now()) - store.database_now()) < SECOND * 5


def test_a_request_that_was_suspended_after_it_read_its_clock_is_answered(ring):
    """The request read this node's clock. Then the machine was suspended for 90 seconds, and the request continues."""
    keyring.clock(now=timezone.now())
    stale = timezone.now() - timedelta(seconds=90)
    now = keyring.clock(now=stale)
    assert keyring.signer(now=now)
    keyring.snapshots.forget()
    now = keyring.clock(now=stale)
    assert keyring.signer(now=now)
    assert abs(now - store.database_now()) < SECOND * 5
