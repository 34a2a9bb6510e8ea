"""Remembers the highest value of each counter, so that a counter that the cache loses does not restart. Pure."""

import threading
from collections import OrderedDict


class CounterMemory:
    """The highest value of each counter, for the `size` most recently recorded counters."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def highest(self, key: str) -> int:
        """Return the highest value that was recorded for the counter, or 0."""
        with self._lock:
            return self._seen.get(key, 0)

    def record(self, key: str, value: int) -> None:
        """Remember `value` for a counter, unless a higher value is remembered for it.

        Deletes the least recently recorded counter if there are more than `size` counters.
        """
        with self._lock:
            # Threads can record out of order: the highest value counts, not the last one.
            self._seen[key] = max(value, self._seen.get(key, 0))
            self._seen.move_to_end(key)
            if len(self._seen) > self._size:
                self._seen.popitem(last=False)

    def clear(self) -> None:
        """Forget the highest values of all counters."""
        with self._lock:
            self._seen.clear()
