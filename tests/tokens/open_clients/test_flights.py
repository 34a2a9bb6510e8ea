"""Fetches of metadata documents.

There is one fetch at a time for each address, and its outcome is cached for a short time.
"""

import threading
import traceback

import pytest

from tokens.open_clients import flights
from tokens.open_clients.flights import Flights, StillFetching


class World:
    """A clock, fetches of documents that run when the test calls `land`, and the results of the fetches."""

    def __init__(self, **options):
        self.now, self.fetched, self.waiting, self.error = 0.0, [], [], None
        self.flights = Flights(self.fetch, clock=lambda: self.now, spawn=self.waiting.append, patience=0, **options)

    def fetch(self, address):
        self.fetched.append(address)
        if self.error:
            raise self.error
        return f"{address} at {self.now}"

    def land(self):
        while self.waiting:
            self.waiting.pop(0)()


def test_requests_at_once_share_one_fetch():
    world = World()
    for _ in range(3):
        with pytest.raises(StillFetching):
            world.flights.get("a")
    world.land()
    assert (world.flights.get("a"), world.fetched) == ("a at 0.0", ["a"])


@pytest.mark.parametrize("error", [None, ValueError("gone")])
def test_an_outcome_is_cached_and_then_fetched_again(error):
    world = World()
    world.error = error
    with pytest.raises(StillFetching):
        world.flights.get("a")
    world.land()
    world.now = flights.KEPT - 1
    assert not world.flights.is_due("a")
    if error:
        with pytest.raises(ValueError, match="gone"):
            world.flights.get("a")
    world.now = flights.KEPT + 1
    assert world.flights.is_due("a")
    with pytest.raises(StillFetching):
        world.flights.get("a")
    world.land()
    assert world.fetched == ["a", "a"]


def test_a_cached_failure_keeps_no_frame_of_a_request():
    world = World()
    world.error = ValueError("gone")
    with pytest.raises(StillFetching):
        world.flights.get("a")
    world.land()
    depths = []
    for _ in range(3):
        with pytest.raises(ValueError, match="gone") as caught:
            world.flights.get("a")
        depths.append(len(list(traceback.walk_tb(caught.tb))))
    assert depths == depths[:1] * 3


def test_a_fetch_that_runs_is_not_due():
    world = World()
    assert world.flights.is_due("a")
    with pytest.raises(StillFetching):
        world.flights.get("a")
    assert not world.flights.is_due("a")


def test_the_number_of_fetches_at_once_is_bounded():
    world = World()
    for number in range(flights.FLIGHTS + 1):
        with pytest.raises(StillFetching):
            world.flights.get(str(number))
    assert len(world.waiting) == flights.FLIGHTS
    world.land()
    with pytest.raises(StillFetching):
        world.flights.get("later")
    assert len(world.waiting) == 1


def test_remembered_outcomes_are_bounded(monkeypatch):
    monkeypatch.setattr(flights, "REMEMBERED", 2)
    world = World()
    for address in "abc":
        with pytest.raises(StillFetching):
            world.flights.get(address)
        world.land()
    assert [world.flights.is_due(address) for address in "abc"] == [True, False, False]


def test_the_outcome_of_the_earliest_fetch_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(flights, "REMEMBERED", 2)
    world = World()
    for address, now in (("a", 0), ("b", flights.KEPT - 1), ("a", flights.KEPT), ("c", flights.KEPT)):
        world.now = now
        with pytest.raises(StillFetching):
            world.flights.get(address)
        world.land()
    assert [world.flights.is_due(address) for address in "abc"] == [False, True, False]


def test_a_process_without_threads_left_is_busy_and_tries_again():
    def spawn(_work):
        raise RuntimeError("can't start new thread")

    runner = Flights(lambda address: address, clock=lambda: 0.0, spawn=spawn)
    for _ in range(flights.FLIGHTS + 1):
        with pytest.raises(StillFetching):
            runner.get("a")
    assert runner.is_due("a")


def test_a_request_that_joined_a_fetch_that_never_starts_is_busy_too():
    joined = []

    def spawn(_work):
        joined.append(runner._join("a"))
        raise RuntimeError("can't start new thread")

    runner = Flights(lambda address: address, clock=lambda: 0.0, spawn=spawn)
    with pytest.raises(StillFetching):
        runner.get("a")
    assert isinstance(joined[0].error, StillFetching)


class Seats(threading.BoundedSemaphore):
    """The semaphore that bounds the waiting requests. `taken` is released each time that a request begins to wait."""

    def __init__(self, number):
        super().__init__(number)
        self.taken = threading.Semaphore(0)

    def acquire(self, blocking=True, timeout=None):
        got = super().acquire(blocking, timeout)
        if got:
            self.taken.release()
        return got


def test_waits_at_once_are_bounded():
    release = threading.Event()

    def fetch(address):
        release.wait(20)
        return address

    runner = Flights(fetch, clock=lambda: 0.0, patience=20)
    runner._room = Seats(flights.WAITERS)
    results = []
    waiting = [threading.Thread(target=lambda: results.append(runner.get("a"))) for _ in range(flights.WAITERS)]
    for thread in waiting:
        thread.start()
    assert all(runner._room.taken.acquire(timeout=60) for _ in waiting)
    with pytest.raises(StillFetching):
        runner.get("a")
    release.set()
    for thread in waiting:
        thread.join(20)
    assert results == ["a"] * flights.WAITERS


def test_the_waits_leave_threads_for_other_requests():
    from project.front.lanes import WORK_THREADS  # noqa: PLC0415 (one test needs it)

    assert flights.WAITERS < WORK_THREADS
    assert flights.PATIENCE < 3
