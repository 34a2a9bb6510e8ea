"""A token bucket permits a burst, and then one token for each period."""

import pytest

from resources.keysets.token_bucket import TokenBucket


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("later", "seconds"), [(0, 10), (4, 6), (10, 0), (25, 0)])
def test_an_empty_bucket_holds_one_token_after_one_period(later: float, seconds: float) -> None:
    clock = Clock()
    bucket = TokenBucket(2, 10, clock=clock)
    assert bucket.until_refill(0) == 0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    assert bucket.until_refill(later) == seconds
    clock.now = later
    assert bucket.take() is (seconds == 0)


def test_a_part_of_a_token_that_a_refused_request_left_counts() -> None:
    clock = Clock()
    bucket = TokenBucket(1, 10, clock=clock)
    bucket.take()
    clock.now = 4
    assert not bucket.take()
    assert bucket.until_refill(4) == bucket.until_refill(3) - 1 == 6
    clock.now = 10
    assert [bucket.take(), bucket.take()] == [True, False]


def test_a_bucket_never_holds_more_than_its_size() -> None:
    clock = Clock()
    bucket = TokenBucket(2, 10, clock=clock)
    clock.now = 1000
    assert [bucket.take() for _ in range(3)] == [True, True, False]
