"""Counts of accepted and refused tokens, by reason, since the start of this process.

The metric TOKENS has the same counts.
"""

import os
import threading
from collections import Counter

from ..errors import ProofReason, Reason
from . import metrics

LABELS = {
    **{name: (name, "") for name in ("accepted", "unavailable", "invalid_request", "throttled", "nonce_required")},
    **{f"refused_{reason.name.lower()}": ("refused", reason.name.lower()) for reason in Reason},
    **{f"refused_proof_{reason.name.lower()}": ("proof_refused", reason.name.lower()) for reason in ProofReason},
}
"""The labels `result` and `reason` of the metric TOKENS, by the name of the count."""


class Counters:
    """Counts that the threads of a process share. A forked process starts at zero."""

    def __init__(self) -> None:
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Set every count to zero, and replace the lock (after a fork)."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """Add 1 to the count of `name`, which is a key of LABELS, and to the metric TOKENS."""
        with self._lock:
            self._counts[name] += 1
        metrics.add(metrics.TOKENS, *LABELS[name])

    def read(self) -> dict[str, int]:
        """Return every count, by its name in LABELS, such as "accepted" or "refused_expired"."""
        with self._lock:
            return {name: self._counts[name] for name in LABELS}


counters = Counters()
os.register_at_fork(after_in_child=counters.reset_after_fork)
