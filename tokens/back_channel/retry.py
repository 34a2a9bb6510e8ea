"""When a message is tried again after a failure. Pure.

The wait doubles with each failure, up to LONGEST, so that a client that is down is not flooded when it comes back. A
random part (jitter) spreads the messages that failed together.
"""

from datetime import timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(hours=1)


def wait(attempts: int, *, jitter: float) -> timedelta:
    """Return how long to wait after `attempts` failures, one or more. `jitter` is random, from 0 to 1.

    The wait is between half of FIRST * 2 ** (attempts - 1) and the whole; that product is at most LONGEST.
    """
    doublings = min(attempts - 1, 32)  # far more than LONGEST needs; a larger power overflows
    whole = min(FIRST * int(2**doublings), LONGEST)
    return whole * (1 + jitter) / 2
