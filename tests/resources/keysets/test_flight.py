"""The Retry-After of a request that waits for a source whose fetches failed."""

import pytest

from resources.keysets.flight import Flight, Flights, Limits

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
