"""Keeps snapshots of the database in this process: re-read if older than `reread`, refused if older than N.

Between the two a database outage goes unnoticed. One thread reads at a time; the others use the old snapshot.
While a background refresh is alive (tokens/keys/refresher.py), a request reads only if there is no usable snapshot.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError

from tokens.keys import store
from tokens.keys.errors import NotReady
from tokens.keys.key_pair import KeyPair
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import Moves
from tokens.keys.rules.policy import Policy

logger = logging.getLogger(__name__)
PAUSE = 1.0
"""Seconds after a read that failed in which nobody tries again: a database that hangs costs one thread, not all."""
WAIT = 2.5
"""Seconds that a thread without a usable snapshot waits for the thread that reads. A request is answered within 3 s."""
STEP = timedelta(seconds=1)
"""If wall and monotonic clock differ by this much, the wall clock was set or the machine was suspended."""
BEGINNING = datetime.min.replace(tzinfo=UTC)


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
        """Return the clock by which it ages, at `wall` (this node's clock)."""
        return wall

    def was_stepped(self, *, wall: datetime) -> bool:
        """True if this node's clock was set since the reading, or `wall` was read before a suspension."""
        return abs(wall - self.wall_time - self.elapsed()) > STEP

    def elapsed(self) -> timedelta:
        """Return the monotonic time since the reading."""
        return timedelta(seconds=time.monotonic() - self.monotonic)


R = TypeVar("R", bound=Read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Read):
    """A ring as it was read, with what is needed to go on with it for a while."""

    stored: tuple[store.StoredKey, ...]
    pairs: dict[str, KeyPair]
    """The key pairs that open, by kid."""
    missing: frozenset[str]
    """Ids of encrypting keys that rows name and KEY_ENCRYPTION_KEYS does not hold."""
    database_time: datetime
    """The database's clock when the reading began."""
    skew: timedelta = timedelta(0)
    """How far this node's clock was from the database's, both read at the same moment."""
    changed: tuple[Key, ...] = ()
    """Keys of this ring by rows that nothing vouches for any more: which of them took over, nobody can know."""
    moves: Moves = field(default_factory=dict)
    """Which API is on which ring; the default ring's snapshot knows."""

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


class Snapshots(Generic[R]):
    """The latest snapshot of each ring. One thread reads at a time; the others use the old snapshot.

    `what` names the data in messages.
    """

    def __init__(self, read: Callable[[str, datetime], R], *, what: str = "the keys") -> None:
        self._read, self._what = read, what
        self._held: dict[str, R] = {}
        self._failed_at: dict[str, float] = {}
        self._reading = threading.Lock()
        self.is_refreshed: Callable[[], bool] = lambda: False
        """True while a background refresh re-reads snapshots before they are old."""
        os.register_at_fork(after_in_child=self._renew_lock)

    def get(self, ring: str, *, now: datetime) -> R:
        """Return a snapshot no older than N at `now`, the clock by which it ages. Raises NotReady if there is none."""
        before = held = self._held.get(ring)
        if held is None or held.age(now=now) > self._may_age(held):
            held = self._reread(ring, held, now=now)
        if held is not before and held.age(now=now) > held.policy.snapshot_age:  # suspended after it had read
            held = self._reread(ring, held, now=now)
        if held.age(now=now) > held.policy.snapshot_age:
            raise NotReady(f"{self._what} could not be read from the database for too long")
        return held

    def at(self, ring: str, *, wall: datetime) -> R:
        """Return a snapshot no older than N at `wall`, this node's clock. Raises NotReady if there is none.

        If this node's clock was set since the last reading, compares it with the database's at once.
        """
        held = self._held.get(ring)
        if held is not None and held.was_stepped(wall=wall):
            held = self._reread(ring, held, now=held.carried(wall=wall))
        return self.get(ring, now=BEGINNING if held is None else held.carried(wall=wall))

    def latest(self, ring: str) -> R | None:
        """Return the snapshot that this process has, of any age, or None. Reads nothing."""
        return self._held.get(ring)

    def refresh(self, ring: str, *, wall: datetime) -> None:
        """Re-read the ring if its snapshot will be due before the next look. `wall` is this node's clock.

        Raises NotReady if there is no snapshot and none can be read.
        """
        held = self._held.get(ring)
        now = wall if held is None else held.carried(wall=wall)
        if held is None or held.was_stepped(wall=wall) or held.age(now=now) > held.policy.reread / 2:
            self._reread(ring, held, now=now)

    def names(self) -> list[str]:
        """Return the rings that have snapshots."""
        return list(self._held)

    def _may_age(self, held: R) -> timedelta:
        return held.policy.snapshot_age if self.is_refreshed() else held.policy.reread

    def _renew_lock(self) -> None:
        """Replace the lock in a forked process, because a thread of the parent might have held the old one."""
        self._reading = threading.Lock()

    def forget(self) -> None:
        """Drop every snapshot, so that the next use reads."""
        self._held, self._failed_at = {}, {}

    def _reread(self, ring: str, held: R | None, *, now: datetime) -> R:
        """A newer snapshot, or the old one; one thread asks, and after a failure nobody does for PAUSE."""
        asked_at = time.monotonic()
        usable = held is not None and held.age(now=now) <= held.policy.snapshot_age
        if self._pauses(ring) or not self._reading.acquire(timeout=0 if usable else WAIT):
            return self._or_refuse(held)
        try:
            newer = self._held.get(ring)
            if newer is not None and newer is not held:
                return newer
            if self._pauses(ring):
                return self._or_refuse(held)
            waited = timedelta(seconds=time.monotonic() - asked_at)
            self._held[ring] = self._read(ring, now + waited)
            return self._held[ring]
        except (DatabaseError, InterfaceError) as error:
            self._failed_at[ring] = time.monotonic()
            cause = " ".join(str(error).split())
            logger.warning("%s could not be read: %s: %s", self._what.capitalize(), type(error).__name__, cause)
            return self._or_refuse(held)
        finally:
            self._reading.release()

    def _pauses(self, ring: str) -> bool:
        failed_at = self._failed_at.get(ring)
        return failed_at is not None and time.monotonic() - failed_at < PAUSE

    def _or_refuse(self, held: R | None) -> R:
        if held is None:
            raise NotReady(f"{self._what} cannot be read from the database")
        return held
