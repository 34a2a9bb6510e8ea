"""Reads the database's clock and this node's at the same moment, to compare them.

- All instants that nodes compare are the database's: every node carries its clock forward from the last reading.
- A process can be suspended between any two statements. So the database's clock is read between two readings of this
  node's, and only a value outside of these two shows a wrong clock.
- A slow reading bounds the difference loosely. It is repeated, and the fastest one counts.

This module reads this node's clock itself: an instant passed as an argument could be from before a suspension.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tokens.keys import store

CLOSE = timedelta(milliseconds=250)
"""A reading that took no longer is precise enough."""
TRIES = 3
ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment."""

    database: datetime
    wall: datetime
    """This node's clock, read right after the database's."""
    monotonic: float
    """Monotonic seconds, read right after the database's clock."""
    skew: timedelta
    """The least difference of this node's clock from the database's; never negative."""
    took: timedelta
    """How long the reading took. The real difference can be larger than `skew` by this much."""


def read(*, since: datetime | None = None) -> Reading:
    """Read both clocks. `since` is an earlier reading of this node's clock, if the caller has one."""
    closest = _once(since or timezone.now())
    for _ in range(TRIES - 1):
        if closest.took <= CLOSE:
            break
        closest = min(closest, _once(timezone.now()), key=lambda reading: reading.took)
    return closest


def _once(before: datetime) -> Reading:
    started = time.monotonic()
    database = store.database_now()
    monotonic, after = time.monotonic(), max(before, timezone.now())
    return Reading(
        database=database,
        wall=after,
        monotonic=monotonic,
        skew=max(before - database, database - after, ZERO),
        took=max(after - before, timedelta(seconds=monotonic - started)),
    )
