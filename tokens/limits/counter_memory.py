"""Remembers the highest value of each counter, so that a counter that the cache loses does not restart. Pure."""

import threading
from collections import OrderedDict


class CounterMemory:
    """The values of the `size` counters that were seen last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def highest(self, key: str) -> int:
        """Return the highest value that was recorded of the counter, or 0."""
        with self._lock:
            return self._seen.get(key, 0)

    def record(self, key: str, value: int) -> None:
        """Record a value of a counter. Deletes the least recently recorded counter if there are more than `size`."""
        with self._lock:
            # Threads can record out of order: the highest value counts, not the last one.
            self._seen[key] = max(value, self._seen.get(key, 0))
            self._seen.move_to_end(key)
            if len(self._seen) > self._size:
                self._seen.popitem(last=False)

    def clear(self) -> None:
        """Delete all values."""
        with self._lock:
            self._seen.clear()
