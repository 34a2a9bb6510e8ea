"""A token bucket: a rate limit that permits a burst. Pure: the clock is an argument."""

from collections.abc import Callable


class TokenBucket:
    """A bucket of at most `size` tokens, refilled by one per `every` seconds. Not thread-safe: the caller locks."""

    def __init__(self, size: int, every: float, *, clock: Callable[[], float]) -> None:
        self._size, self._every, self._clock = float(size), every, clock
        self._level, self._at = self._size, clock()

    def take(self) -> bool:
        """Take one token. Returns False if the bucket is empty."""
        now = self._clock()
        self._level = min(self._size, self._level + (now - self._at) / self._every)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def until_refill(self, now: float) -> float:
        """Return the seconds from `now` until the bucket holds one token, or 0 if it holds one."""
        return max(0.0, (1 - self._level) * self._every - (now - self._at))
