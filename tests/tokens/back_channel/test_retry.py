"""The wait before a logout message is tried again.

It doubles each time, has a maximum, and is randomized.
"""

from datetime import timedelta

import pytest

from tokens.back_channel import retry


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 2), (2, 4), (5, 32), (11, 2048), (12, 3600), (10_000, 3600)])
def test_the_longest_wait_doubles_up_to_an_hour(attempts, seconds):
    assert retry.wait(attempts, jitter=1.0) == timedelta(seconds=seconds)


@pytest.mark.parametrize("attempts", [1, 7, 50])
def test_the_random_part_is_half_of_the_wait(attempts):
    assert retry.wait(attempts, jitter=0.0) * 2 == retry.wait(attempts, jitter=1.0)
