"""Writes the audit event `request.unavailable` for 503 answers: at most one line within EVERY for each reason.

- The first answer with a reason is logged at once.
- Further answers with the same reason within EVERY after that line are only counted. The next line has their number as
  `suppressed`.
"""

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens.audit import trail

ACTION = "request.unavailable"
EVERY = timedelta(seconds=10)
KEPT = 100
"""The greatest number of reasons to remember; the oldest are dropped. Some reasons contain a varying number."""


@dataclass(slots=True)
class _Line:
    written_at: datetime
    suppressed: int = 0


class Unavailability:
    """The time of the last log line for each reason of 503 answers in this process."""

    def __init__(self) -> None:
        self.forget()

    def note(self, reason: str, *, endpoint: str, now: datetime) -> bool:
        """Log the event of a 503 answer, unless this process logged one with the same `reason` within EVERY.

        Returns True if the event was logged.
        """
        with self._lock:
            last = self._last.get(reason)
            # A negative difference means that the clock was set back: log again, instead of being silent until then.
            if last is not None and timedelta(0) <= now - last.written_at < EVERY:
                last.suppressed += 1
                return False
            suppressed = last.suppressed if last else 0
            self._last[reason] = _Line(now)
            self._last.move_to_end(reason)
            if len(self._last) > KEPT:
                self._last.popitem(last=False)
        details = {"reason": reason, "endpoint": endpoint, "suppressed": suppressed}
        trail.log(ACTION, actor="issuer", subject=f"endpoint:{endpoint}", details=details, now=now)
        return True

    def forget(self) -> None:
        """Forget all earlier log lines. The next 503 answer for each reason is then logged at once."""
        # A new lock: after a fork, a thread that held the old one does not exist in this process.
        self._lock = threading.Lock()
        self._last: OrderedDict[str, _Line] = OrderedDict()


unavailability = Unavailability()
"""Lives as long as the process."""
os.register_at_fork(after_in_child=unavailability.forget)
