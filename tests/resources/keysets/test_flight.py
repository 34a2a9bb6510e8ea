"""Single-flight fetches: which requests wait for a fetch, and what they learn of a fetch that failed."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from resources.keysets.flight import GRACE, Flight, Flights, Limits
from resources.thread_limit import WaitLimit

LIMITS = Limits(deadline=5, waiters=1, patience=0, longest_backoff=60)
FAILED_AT = 100.0


def fail(_flight: Flight) -> None:
    raise OSError


@pytest.mark.parametrize(("elapsed", "seconds"), [(0.0, 2), (0.5, 2), (1.0, 1), (1.5, 1), (2.0, 1), (9.0, 1)])
def test_retry_after_is_rounded_up_to_the_end_of_the_backoff(elapsed: float, seconds: int) -> None:
    now = FAILED_AT - 1
    flights = Flights(fail, lambda *_: None, clock=lambda: now, limits=LIMITS, spawn=lambda work: work())
    assert flights.retry_after() == 1, "no fetch has failed"
    flights.start()
    now = FAILED_AT
    flights.start()
    now = FAILED_AT + elapsed
    assert flights.retry_after() == seconds


class Done(threading.Event):
    """The end of a fetch that never ends. While a request waits for it, `meanwhile` runs."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.waits, self.meanwhile = 0, meanwhile

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout == LIMITS.patience
        self.waits += 1
        self.meanwhile()
        return False


def waiting(waiters: int, *, serving: int = 100) -> Flights[None]:
    """Return flights for whose fetches `waiters` requests may wait, in a process with `serving` threads."""
    limits, limit = replace(LIMITS, waiters=waiters), WaitLimit(serving=lambda: serving)
    return Flights(fail, lambda *_: None, clock=lambda: FAILED_AT, limits=limits, wait_limit=limit)


def test_a_request_that_stops_waiting_makes_room_for_one_other_request() -> None:
    flights, inner = waiting(2), Done()
    assert not flights.wait(Flight(FAILED_AT, done=inner))

    def one_waits() -> None:
        for _ in range(2):  # the second takes the place of the first
            flights.wait(Flight(FAILED_AT, done=Done(lambda: flights.wait(Flight(FAILED_AT, done=inner)))))

    assert not flights.wait(Flight(FAILED_AT, done=Done(one_waits)))
    assert inner.waits == 1, "with two that wait, a third does not"


def test_a_request_that_the_limit_of_the_process_does_not_admit_does_not_wait() -> None:
    flights, done = waiting(8, serving=0), Done()
    flight = Flight(FAILED_AT, waited_for=True, done=done)
    assert not flights.wait(flight)
    assert done.waits == 0


def test_requests_stop_waiting_for_a_fetch_that_is_overdue() -> None:
    now = FAILED_AT
    flights = Flights(fail, lambda *_: None, clock=lambda: now, limits=LIMITS, spawn=lambda _: None)
    flight = flights.start()
    assert flight
    now += LIMITS.deadline + GRACE
    assert flights.start() is flight
    now += 0.001
    assert flights.start() is None, "the backoff of the failure"
    assert flight.done.is_set()
    assert (flights.failures, flights.last_error) == (1, "no answer before the deadline")


def test_an_error_without_a_text_is_reported_by_its_type() -> None:
    flights = Flights(fail, lambda *_: None, clock=lambda: FAILED_AT, limits=LIMITS, spawn=lambda work: work())
    flights.start()
    assert flights.last_error == "OSError"
