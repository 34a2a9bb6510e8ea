"""Reads the database's clock and this node's at the same moment: how far apart they are, and when that was.

- All instants that nodes compare are the database's: every node carries its clock forward from the last reading.
- A process can stand still between any two statements (a suspended machine, a loaded one). So the database's clock is
  read between two readings of this node's: only what lies outside of them is a wrong clock.
- A reading that took long says little about the clocks. It is repeated, and the closest one counts.

This module reads this node's clock itself: as an argument, the instant could be of before a standstill.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tokens.keys import store

CLOSE = timedelta(milliseconds=250)
"""A reading that took no longer is good enough."""
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
    """How far this node's clock is from the database's, at the least; never negative."""
    took: timedelta
    """How long the reading took; `skew` can be too small by as much."""


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
