"""Logs requests that the front itself refuses, such as a body that is too large. It does not log a 503.

For each reason, at most one line is written in EVERY seconds. The first refusal for a reason is logged at once. Later
refusals within EVERY seconds are counted, and the next line has the count. A line has the path without its query, and
nothing of the body.
"""

import logging
from dataclasses import dataclass

from project.front.refusals import Refused

logger = logging.getLogger(__name__)

EVERY = 10.0  # seconds
LONGEST = 200  # characters of a path, and of a method


@dataclass(slots=True)
class _RefusalLine:
    written_at: float
    suppressed: int = 0


class RefusalLog:
    """A log of refusals that limits the lines for each reason, so that a flood of refusals does not fill the log.

    Not thread-safe: the event loop of one process uses it.
    """

    def __init__(self) -> None:
        self._last: dict[str, _RefusalLine] = {}  # bounded: the reasons are texts of this package

    def note(self, why: Refused, *, method: str, path: str, now: float) -> None:
        """Log the refusal, or only count it if its reason was logged less than EVERY seconds ago.

        `now` is in seconds of a monotonic clock.
        """
        last = self._last.get(why.text)
        if last is not None and now - last.written_at < EVERY:
            last.suppressed += 1
            return
        suppressed = last.suppressed if last else 0
        self._last[why.text] = _RefusalLine(now)
        logger.warning(
            "Refused unread: %d for %r %r. %s (%d more for this reason since the line before)",
            why.status,
            method[:LONGEST],
            path[:LONGEST],
            why.text,
            suppressed,
        )
