"""The snapshot of a ring: its keys as they were read, and the database's clock carried forward from the reading.

- All instants that nodes compare are the database's. A node carries the database's clock forward by the time that has
  passed since the reading.
- The monotonic clock stops while the machine is suspended. The wall clock can be set. So the larger of both counts for
  the age, and an old snapshot is never taken for a fresh one.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokens.keys import store
from tokens.keys.key_pair import KeyPair
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import Moves
from tokens.keys.rules.policy import Policy

STEP = timedelta(seconds=1)
"""If wall and monotonic clock differ by this much, the wall clock was set or the machine was suspended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Data that was read from the database, when, and under which policy."""

    policy: Policy
    wall_time: datetime
    monotonic: float

    def age(self, *, now: datetime) -> timedelta:
        """Return the age at `now` (this node's clock): the larger of monotonic and wall time."""
        return max(self.elapsed(), now - self.wall_time)

    def carried(self, *, wall: datetime) -> datetime:
        """Return the clock by which the data ages, at `wall` (this node's clock)."""
        return wall

    def was_stepped(self, *, wall: datetime) -> bool:
        """Return True if this node's clock was set since the reading, or `wall` was read before a suspension."""
        return abs(wall - self.wall_time - self.elapsed()) > STEP

    def elapsed(self) -> timedelta:
        """Return the monotonic time since the reading."""
        return timedelta(seconds=time.monotonic() - self.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Read):
    """The keys of a ring, as one reading of the database returned them."""

    stored: tuple[store.StoredKey, ...]
    pairs: dict[str, KeyPair]
    """The key pairs that open, by kid."""
    missing: frozenset[str]
    """Ids of encrypting keys that rows name and KEY_ENCRYPTION_KEYS does not hold."""
    database_time: datetime
    """The database's clock when the reading began."""
    skew: timedelta = timedelta(0)
    """Difference of this node's clock from the database's, both read at the same moment."""
    changed: tuple[Key, ...] = ()
    """Keys of this ring in rows that were changed by hand: one of them can have taken over."""
    moves: Moves = field(default_factory=dict)
    """The move of each API. Only the default ring's snapshot has them."""

    def age(self, *, now: datetime) -> timedelta:
        """Return the age at `now` (the database's clock): the larger of its difference and the monotonic time."""
        return max(self.elapsed(), now - self.database_time)

    def clock(self, *, now: datetime) -> datetime:
        """Return the database's clock: `now`, or later if more monotonic time has passed since the reading."""
        return self.database_time + self.age(now=now)

    def carried(self, *, wall: datetime) -> datetime:
        """Return the database's clock at `wall` (this node's clock): the reading plus the monotonic time since.

        The monotonic clock stops while the machine is suspended; then the wall time since the reading counts.
        """
        ahead = wall - self.wall_time - self.elapsed()
        return self.database_time + self.elapsed() + (ahead if ahead > STEP else timedelta(0))
