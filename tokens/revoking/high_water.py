"""Detects a database that went back in time, because of a restored backup or a failover that lost transactions.

Serving processes record the newest state that they saw as marks in the shared Redis (`high_water_marks`). Checks
compare the database with the marks:

- Marks are read before the database. So the state in a mark was committed before the database is read, and a database
  that lacks this state went back. Concurrent reads and writes of processes cannot cause a false alarm.
- A version of the revocation feed is a number and a random tag. The feed went back if its number is lower than the
  number in the mark, or if its version with the same number has another tag.
- The audit trail went back if it lacks the event in the mark. Events are deleted only after 30 days or more, and the
  newest event never. So events that are recorded after the restore do not hide the loss.
- The registry (clients, secrets, APIs) gets a random version with each change. Redis lists the versions that were
  replaced. The registry went back if its current version is in this list.
- While the database is older than its marks, no mark is written. `after_restore` resets the marks.
- Marks only warn. They refuse no request and no command.
"""

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError

from tokens.models import AuditEvent, Publication, RegistryVersion, RevocationLog
from tokens.revoking import high_water_marks
from tokens.revoking.feed_log import Version
from tokens.revoking.high_water_marks import Event, Marks

logger = logging.getLogger(__name__)
EVERY = timedelta(seconds=3)
"""The shortest time between two records of a process."""
REMEDY = "a backup was restored, or a failover lost transactions: run manage.py after_restore (docs/restore.md)"


def report(*, now: datetime) -> str:
    """Compare the database with the high-water marks, the newest state that processes recorded in Redis.

    Returns what the database lacks, with the remedy. Returns "" if the database lacks nothing, or if there are no
    marks.
    """
    marks = high_water_marks.read(now=now)
    return _problem(marks, _state(), now=now) if marks else ""


def lost_event(*, now: datetime) -> datetime | None:
    """Return the time of the newest audit event that processes recorded in Redis, if the audit trail lacks that event.

    Returns None if the audit trail has the event, or Redis has none.
    """
    marks = high_water_marks.read(now=now)
    return marks.event.at if marks and marks.event and [*_event(marks)] else None


def reset(*, now: datetime) -> bool:
    """Delete the high-water marks, so that no check reports the database as older than its marks.

    Returns False if Redis did not delete them. Returns True if there is no Redis.
    """
    return high_water_marks.reset(now=now)


class Recorder:
    """A recorder of the newest state of the database in Redis. tokens/background.py calls `record` regularly.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._recorded_at: datetime | None = None
        self._is_behind = False
        self._lock = threading.Lock()

    def record(self, *, now: datetime) -> None:
        """Record the newest state of the database in Redis, at most once per `EVERY` (3 seconds).

        If the database went back in time, logs one error and records nothing. Does nothing if the database fails.
        """
        with self._lock:  # held only while the time is checked: a slow Redis must not make other threads wait
            if self._recorded_at is not None and self._recorded_at <= now < self._recorded_at + EVERY:
                return
            self._recorded_at = now
        try:
            self._record(now)
        except (DatabaseError, InterfaceError):
            return  # the checks and /readyz report an outage

    def _record(self, now: datetime) -> None:
        """Compare the database with the marks in Redis. Write new marks unless the database is older than the marks."""
        marks = high_water_marks.read(now=now)  # must be read before the database
        if marks is None:
            return
        state = _state()
        problem = _problem(marks, state, now=now)
        if problem and not self._is_behind:
            logger.error("The database went back in time: %s", problem)
        self._is_behind = bool(problem)
        if not problem and state != marks:
            high_water_marks.write(state, over=marks, now=now)


recorder = Recorder()
"""The recorder of this process. Lives as long as the process."""


def _state() -> Marks:
    """Read the newest state of the database: feed version, audit event and registry version."""
    head = RevocationLog.objects.values_list("version", "tag").first()
    event = AuditEvent.objects.order_by("-id").values_list("id", "at").first()
    return Marks(
        feed=Version(*head) if head else None,
        event=Event(*event) if event else None,
        registry=RegistryVersion.objects.values_list("value", flat=True).first(),
    )


def _problem(marks: Marks, state: Marks, *, now: datetime) -> str:
    """Return a text that says what the database lacks compared with the marks in Redis, with the remedy.

    `state` is the newest state of the database. Returns "" if the database lacks nothing.
    """
    lacking = [*_feed(marks, state), *_event(marks), *_registry(marks, state, now=now)]
    return f"this database is older than the state recorded in Redis: {'; '.join(lacking)}; {REMEDY}" if lacking else ""


def _feed(marks: Marks, state: Marks) -> Iterator[str]:
    """Yield a problem if the revocation feed in the database went back since Redis recorded `marks`.

    The feed went back if its number in `state` is lower than the number in the mark, or if the database has another tag
    for the number in the mark.
    """
    if marks.feed is None:
        return
    current = state.feed or Version(0, "")
    other_publications = Publication.objects.filter(version=marks.feed.number).exclude(tag=marks.feed.tag)
    if current.number < marks.feed.number or other_publications.exists():
        yield f"its revocation feed is at {current}, and was at {marks.feed}"


def _event(marks: Marks) -> Iterator[str]:
    """Yield a problem if the audit trail lacks the newest event that processes recorded in Redis."""
    if marks.event and not AuditEvent.objects.filter(pk=marks.event.id, at=marks.event.at).exists():
        yield f"its audit trail lacks the event of {marks.event.at:%Y-%m-%d %H:%M:%S} UTC"


def _registry(marks: Marks, state: Marks, *, now: datetime) -> Iterator[str]:
    """Yield a problem if Redis lists the registry's current version among the replaced versions."""
    current = state.registry
    if not current or current == marks.registry or not high_water_marks.was_replaced(current, now=now):
        return
    # Read again, because another process can have replaced the version since `state` was read. A database that went
    # back still has the version.
    if RegistryVersion.objects.filter(value=current).exists():
        yield "its clients, secrets or APIs are of an earlier version"
