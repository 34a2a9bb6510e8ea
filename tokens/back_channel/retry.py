"""Computes the time until a message is sent again after a failure. Pure.

The wait doubles with each failure, up to LONGEST, so that a client that is down is not flooded when it comes back. A
random part (jitter) spreads the messages that failed together.
"""

from datetime import timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(hours=1)


def wait(attempts: int, *, jitter: float) -> timedelta:
    """Return the time to wait after `attempts` failures. `attempts` is at least 1. `jitter` is random, from 0 to 1.

    The wait is between half and all of FIRST * 2 ** (attempts - 1), or of LONGEST if that is shorter.
    """
    doublings = min(attempts - 1, 32)  # far more than LONGEST needs; a larger power overflows
    whole = min(FIRST * int(2**doublings), LONGEST)
    return whole * (1 + jitter) / 2
