"""How often tokens were accepted, refused and why, or could not be judged: per process, since its start."""

import os
import threading
from collections import Counter

from resources.errors import Reason


class Counters:
    """Counts that threads share and a forked process starts anew."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start from nothing."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        """One more of `what`."""
        with self._lock:
            self._counts[what] += 1

    def read(self) -> dict[str, int]:
        """Every count, by name: accepted, unavailable, invalid_request, throttled, and a reason per refusal."""
        names = (
            "accepted",
            "unavailable",
            "invalid_request",
            "throttled",
            *(f"refused_{one.name.lower()}" for one in Reason),
        )
        with self._lock:
            return {name: self._counts[name] for name in names}


counters = Counters()
os.register_at_fork(after_in_child=counters.renew)
