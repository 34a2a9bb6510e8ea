"""Keep snapshots of the database in this process, so that requests need no query.

Rules:
- Nodes compare dates with the database's clock only. A snapshot of a key ring contains the database's time of the
  reading. A node adds the time that has passed since the reading.
- The age of a snapshot is measured by the monotonic clock, which stops while the machine is suspended, and by the wall
  clock, which can be set. The longer of both ages is used, so that an old snapshot is never taken for a fresh one.
- A snapshot older than the timing `reread` is read again. If that fails, the old snapshot stays in use, so that
  requests do not fail during an outage shorter than `snapshot_age`.
- A snapshot older than the timing `snapshot_age` is refused (NotReady): key rotation assumes that no node uses an older
  one.
- One thread reads at a time (single-flight). Other threads use the old snapshot, or wait `WAIT` if it is not usable.
- After a failed read no thread reads for `PAUSE`, so that a database that hangs blocks only one thread.
- While a background refresh is alive (`refresher`), a request reads only if no snapshot is usable.

Worked example in production (`reread` 15 s, `snapshot_age` 120 s), with a database that goes away at 0:10:

    0:00  read              0:10  served from memory          0:16  read fails; the old snapshot is served
    0:17  next attempt      2:00  served for the last time    2:01  refused with 503
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError

from tokens.keys.errors import NotReady
from tokens.keys.rules.policy import Policy

logger = logging.getLogger(__name__)
PAUSE = 1.0
"""Seconds after a failed read until the next attempt."""
WAIT = 2.5
"""Seconds that a thread without a usable snapshot waits for the thread that reads. Requests are answered within 3 s."""
BEGINNING = datetime.min.replace(tzinfo=UTC)
STEP = timedelta(seconds=1)
"""The largest ignored difference between the wall clock and the monotonic clock, measured since a reading.

A larger difference means that the wall clock was set or the machine was suspended.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Data from one reading of the database, the time of the reading, and the policy that limits the data's age."""

    policy: Policy
    clock_time: datetime
    """When the reading began: by the database's clock if the data are keys, otherwise by this node's clock."""
    wall_time: datetime
    """This node's clock at the reading."""
    monotonic: float
    """Monotonic seconds at the reading."""
    monotonic_clock: Callable[[], float]
    """Returns monotonic seconds. It is the clock from which `monotonic` was read."""

    def age(self, *, now: datetime) -> timedelta:
        """Return the age of the data at `now`.

        This is the longer of two times: the time since `clock_time`, and the monotonic time since the reading.
        """
        return max(self.elapsed(), now - self.clock_time)

    def clock(self, *, now: datetime) -> datetime:
        """Return `now`, or a later instant if the monotonic clock shows that `now` is too early.

        The later instant is `clock_time` plus the monotonic time since the reading. `now` is an instant of the same
        clock as `clock_time`.
        """
        return self.clock_time + self.age(now=now)

    def carried(self, *, node_time: datetime) -> datetime:
        """Convert `node_time` from this node's clock to the clock from which `clock_time` was read.

        The result is `clock_time` plus the monotonic time since the reading. The monotonic clock stands still while
        the machine is suspended. So if more time has passed by this node's clock, the time by this node's clock is
        added instead. A difference of up to `STEP` is ignored.
        """
        elapsed = self.elapsed()
        ahead = node_time - self.wall_time - elapsed
        return self.clock_time + elapsed + (ahead if ahead > STEP else timedelta(0))

    def was_stepped(self, *, node_time: datetime) -> bool:
        """Return True if this node's clock was set, or the machine suspended, between the reading and `node_time`.

        `node_time` can be before or after the reading.
        """
        return abs(node_time - self.wall_time - self.elapsed()) > STEP

    def elapsed(self) -> timedelta:
        """Return the monotonic time since the reading."""
        return timedelta(seconds=self.monotonic_clock() - self.monotonic)


R = TypeVar("R", bound=Read)


class Snapshots(Generic[R]):
    """A cache of snapshots by name: the latest snapshot of each key ring, for example. Lives as long as the process.

    `read(name, now)` reads a snapshot from the database. `clock` returns monotonic seconds. `what` is the word for the
    data in error messages, such as "the keys".
    """

    def __init__(
        self, read: Callable[[str, datetime], R], *, clock: Callable[[], float], what: str = "the keys"
    ) -> None:
        self._read, self._clock, self._what = read, clock, what
        self._latest: dict[str, R] = {}
        self._failed_at: dict[str, float] = {}
        self._reading = threading.Lock()
        self.is_refreshed: Callable[[], bool] = lambda: False
        """Return True if a background refresh is alive and re-reads snapshots before they are old."""
        os.register_at_fork(after_in_child=self._renew_lock)

    def get(self, name: str, *, now: datetime) -> R:
        """Return a snapshot called `name` that is not older than `snapshot_age` at `now`, or raise NotReady.

        `now` is an instant of the database's clock if the snapshots are of keys, otherwise of this node's clock.
        """
        latest = self._latest.get(name)
        if latest is not None and self._serves(latest, latest.age(now=now)):
            return latest
        return self._newer(name, latest, now=now)

    def at(self, name: str, *, node_time: datetime) -> R:
        """Return a snapshot called `name` that is not older than `snapshot_age`, or raise NotReady.

        `node_time` is this node's clock. If this clock was set since the last reading, the snapshot is re-read at once.
        """
        latest = self._latest.get(name)
        if latest is not None and latest.was_stepped(node_time=node_time):
            latest = self._reread(name, latest, now=latest.carried(node_time=node_time))
        return self.get(name, now=BEGINNING if latest is None else latest.carried(node_time=node_time))

    def estimate(self, name: str, *, node_time: datetime) -> datetime:
        """Return the database's time at `node_time` (this node's clock), computed from the snapshot called `name`.

        If the snapshot is not of a key ring, returns this node's time as `Read.carried` corrects it. If this process
        has no such snapshot, returns `node_time` unchanged. Does not read the database.
        """
        latest = self._latest.get(name)
        return node_time if latest is None else latest.carried(node_time=node_time)

    def refresh(self, name: str, *, node_time: datetime) -> None:
        """Read the snapshot called `name` from the database, unless a fresh one is in this process.

        A snapshot is fresh if it is not older than half of the timing `reread`, and this node's clock was not set after
        the reading. `node_time` is this node's clock. Raises NotReady if there is no snapshot and none can be read.
        """
        latest = self._latest.get(name)
        now = node_time if latest is None else latest.carried(node_time=node_time)
        if latest is None or latest.was_stepped(node_time=node_time) or latest.age(now=now) > latest.policy.reread / 2:
            self._reread(name, latest, now=now)

    def latest(self, name: str) -> R | None:
        """Return the latest snapshot called `name`, however old, or None if there is none, without a query."""
        return self._latest.get(name)

    def names(self) -> list[str]:
        """Return the names of all snapshots that this process has."""
        return list(self._latest)

    def _serves(self, latest: R, age: timedelta) -> bool:
        """Return True if `latest`, a snapshot that is `age` old, can be used without reading the database."""
        return age <= latest.policy.snapshot_age and (age <= latest.policy.reread or self.is_refreshed())

    def _renew_lock(self) -> None:
        # A thread of the parent can have held the lock at the fork. It does not exist in the child.
        self._reading = threading.Lock()

    def _newer(self, name: str, old: R | None, *, now: datetime) -> R:
        """Re-read the snapshot called `name` (`_reread`), and return the result.

        Raises NotReady if the result is older than `snapshot_age`, or if there is no snapshot.
        """
        latest = self._reread(name, old, now=now)
        if latest is not old and latest.age(now=now) > latest.policy.snapshot_age:
            # A snapshot that was just read is older than N: the process was suspended after the reading.
            latest = self._reread(name, latest, now=now)
        if latest.age(now=now) > latest.policy.snapshot_age:
            raise NotReady(f"{self._what} could not be read from the database for too long")
        return latest

    def forget(self) -> None:
        """Drop every snapshot, so that the next request reads the database."""
        self._latest, self._failed_at = {}, {}

    def _reread(self, name: str, old: R | None, *, now: datetime) -> R:
        """Read a newer snapshot and return it, or return `old`, however old, if no snapshot can be read now.

        Raises NotReady if no snapshot can be read and `old` is None.
        """
        started_at = self._clock()
        usable = old is not None and old.age(now=now) <= old.policy.snapshot_age
        if self._pauses(name) or not self._reading.acquire(timeout=0 if usable else WAIT):
            return self._or_refuse(old)
        try:
            # Another thread can have read, or failed, while this one waited for the lock.
            newer = self._latest.get(name)
            if newer is not None and newer is not old:
                return newer
            if self._pauses(name):
                return self._or_refuse(old)
            waited = timedelta(seconds=self._clock() - started_at)
            self._latest[name] = self._read(name, now + waited)
            return self._latest[name]
        except (DatabaseError, InterfaceError) as error:
            self._failed_at[name] = self._clock()
            cause = " ".join(str(error).split())
            logger.warning("%s could not be read: %s: %s", self._what.capitalize(), type(error).__name__, cause)
            return self._or_refuse(old)
        finally:
            self._reading.release()

    def _pauses(self, name: str) -> bool:
        """Return True if the last read of the snapshot called `name` failed less than `PAUSE` ago."""
        failed_at = self._failed_at.get(name)
        return failed_at is not None and self._clock() - failed_at < PAUSE

    def _or_refuse(self, old: R | None) -> R:
        if old is None:
            raise NotReady(f"{self._what} cannot be read from the database")
        return old
