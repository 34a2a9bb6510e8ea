"""Measure how far this node's clock is from the database's clock.

- Nodes compare dates with the database's clock, never with their own. To know the database's time without a query, a
  node adds the time that has passed since it last read the database's clock.
- A process can be suspended at any moment. So the database's clock is read between two readings of this node's clock.
  This node's clock counts as wrong only if the database's time is not between these two readings.
- A slow measurement is inaccurate. So a slow measurement is repeated, and the fastest one is used.

This module reads this node's clock itself: an instant passed as an argument could be from before a suspension.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tokens.keys import adoption, store
from tokens.keys.errors import Unsafe
from tokens.keys.rules.policy import Policy
from tokens.languages import sentence
from tokens.models.key import Ring

CLOSE = timedelta(milliseconds=250)
"""A reading that took no longer than this is precise enough."""
TRIES = 3
"""The greatest number of readings."""
ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Reading:
    """The database's clock and this node's clock at one moment."""

    database: datetime
    node: datetime
    """This node's clock, read right after the database's."""
    monotonic: float
    """Monotonic seconds, read right after the database's clock."""
    skew: timedelta
    """The least possible difference between this node's clock and the database's clock; never negative."""
    took: timedelta
    """The duration of the reading. The real difference can be larger than `skew` by up to this duration."""


def read(*, since: datetime | None = None) -> Reading:
    """Read the database's clock and this node's clock up to `TRIES` times, and return the fastest reading.

    Stops after a reading that took no longer than `CLOSE`. If the caller has read this node's clock already, `since` is
    what it read. The first reading then counts as begun at `since`.
    """
    closest = _once(since or timezone.now())
    for _ in range(TRIES - 1):
        if closest.took <= CLOSE:
            break
        closest = min(closest, _once(timezone.now()), key=lambda reading: reading.took)
    return closest


def refuse_skew(policy: Policy, *, now: datetime) -> None:
    """Raise Unsafe if this node's clock differs from the database's by more than the timing clock_error.

    The limit is the smallest clock_error among `policy` (the timings of the settings) and the timings of all key rings.
    `now` is this node's clock as the caller read it.
    """
    obeyed = [adoption.obeyed(ring).clock_error for ring in Ring.objects.all()]
    limit, skew = min([policy.clock_error, *obeyed]), read(since=now).skew
    if skew > limit:
        raise Unsafe(
            sentence(
                "this node's clock is {skew:.1f} s away from the database's, and clock_error (δ) is {limit:g}"
                " s: synchronise the clocks (NTP), then run the command again",
                skew=skew.total_seconds(),
                limit=limit.total_seconds(),
            )
        )


def _once(before: datetime) -> Reading:
    """Read the database's clock and this node's clock once. `before` is an earlier reading of this node's clock."""
    started = time.monotonic()
    database = store.database_now()
    # `max`: this node's clock might have been set back since `before`.
    monotonic, after = time.monotonic(), max(before, timezone.now())
    return Reading(
        database=database,
        node=after,
        monotonic=monotonic,
        skew=max(before - database, database - after, ZERO),
        took=max(after - before, timedelta(seconds=monotonic - started)),
    )
