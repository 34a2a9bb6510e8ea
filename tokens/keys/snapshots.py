"""Snapshots of the rings in this process: re-read when older than the policy's `reread`, refused when older than N.

Between the two a database outage goes unnoticed. One thread reads at a time, and the others go on with what there is.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError

from tokens.keys import store
from tokens.keys.errors import NotReady
from tokens.keys.lifecycle import Key
from tokens.keys.moves import Moves
from tokens.keys.policy import Policy
from tokens.keys.signers import KeyPair

logger = logging.getLogger(__name__)
PAUSE = 1.0
"""Seconds after a read that failed in which nobody tries again: a database that hangs costs one thread, not all."""
WAIT = 10.0
"""Seconds that a thread without a usable snapshot waits for the one that reads."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ring as it was read, with what is needed to go on with it for a while."""

    stored: tuple[store.StoredKey, ...]
    pairs: dict[str, KeyPair]
    """The key pairs that open, by kid."""
    missing: frozenset[str]
    """Ids of encrypting keys that rows name and KEY_ENCRYPTION_KEYS does not hold."""
    policy: Policy
    database_time: datetime
    wall_time: datetime
    monotonic: float
    skew: timedelta = timedelta(0)
    """How far this node's clock was from the database's when it was read."""
    changed: tuple[Key, ...] = ()
    """Keys of this ring by rows that nothing vouches for any more: which of them took over, nobody can know."""
    moves: Moves = field(default_factory=dict)
    """Which API is on which ring; the default ring's snapshot knows."""

    def age(self, *, now: datetime) -> timedelta:
        """How old it is: the larger of monotonic and wall time."""
        return max(timedelta(seconds=time.monotonic() - self.monotonic), now - self.wall_time)

    def clock(self, *, now: datetime) -> datetime:
        """The database's clock at `now`."""
        return self.database_time + self.age(now=now)


class Snapshots:
    """The latest snapshot of each ring. One thread reads at a time, and the others go on with what there is."""

    def __init__(self, read: Callable[[str, datetime], Snapshot]) -> None:
        self._read = read
        self._held: dict[str, Snapshot] = {}
        self._reading = threading.Lock()
        self._failed_at: dict[str, float] = {}

    def get(self, ring: str, *, now: datetime) -> Snapshot:
        """A snapshot no older than N; raises NotReady when there is none."""
        held = self._held.get(ring)
        if held is None or held.age(now=now) > held.policy.reread:
            held = self._reread(ring, held, now=now)
        if held.age(now=now) > held.policy.snapshot_age:
            raise NotReady("the keys could not be read from the database for too long")
        return held

    def forget(self) -> None:
        """Drop every snapshot, so that the next use reads."""
        self._held, self._failed_at = {}, {}

    def _reread(self, ring: str, held: Snapshot | None, *, now: datetime) -> Snapshot:
        """A newer snapshot, or the old one; one thread asks, and after a failure nobody does for PAUSE."""
        asked_at = time.monotonic()
        usable = held is not None and held.age(now=now) <= held.policy.snapshot_age
        if self._pauses(ring) or not self._reading.acquire(timeout=0 if usable else WAIT):
            return _or_refuse(held)
        try:
            newer = self._held.get(ring)
            if newer is not None and newer is not held:
                return newer
            if self._pauses(ring):
                return _or_refuse(held)
            waited = timedelta(seconds=time.monotonic() - asked_at)
            self._held[ring] = self._read(ring, now + waited)
            return self._held[ring]
        except (DatabaseError, InterfaceError) as error:
            self._failed_at[ring] = time.monotonic()
            logger.warning("The keys could not be read: %s: %s", type(error).__name__, " ".join(str(error).split()))
            return _or_refuse(held)
        finally:
            self._reading.release()

    def _pauses(self, ring: str) -> bool:
        failed_at = self._failed_at.get(ring)
        return failed_at is not None and time.monotonic() - failed_at < PAUSE


def _or_refuse(held: Snapshot | None) -> Snapshot:
    if held is None:
        raise NotReady("the keys cannot be read from the database")
    return held
