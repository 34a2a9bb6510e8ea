"""Notices a database that went back in time: a restored backup, or a failover that lost transactions.

Processes that serve record the newest state that they saw (its marks) in the shared Redis (`high_water_marks`).
Checks compare the database with them:

- Marks are read before the database. So the state of a mark was committed before the database is read, and a database
  that lacks it went back. The order in which processes read and write causes no false alarm.
- The feed: its version is lower than the mark, or has another tag at the mark's number.
- The audit trail: it lacks the newest event. Rows of it are never removed, so later events do not hide that.
- The registry: its version is one that was replaced. Versions are random and never drawn again.
- While the database is behind, no mark is written. `after_restore` resets the marks.
- Marks are a warning. They refuse no request and no command.
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
"""The least time between two records of a process."""
REMEDY = "a backup was restored, or a failover lost transactions: run manage.py after_restore (docs/restore.md)"


def behind(*, now: datetime) -> str:
    """Return what the database lacks of the state that Redis knows, with the remedy; "" if nothing, or if unknown."""
    marks = high_water_marks.read(now=now)
    return _told(marks, _state(), now=now) if marks else ""


def lost_event(*, now: datetime) -> datetime | None:
    """Return the instant of the newest event that Redis knows if the audit trail lacks it, else None."""
    marks = high_water_marks.read(now=now)
    return marks.event.at if marks and marks.event and [*_event(marks)] else None


def reset(*, now: datetime) -> bool:
    """Forget the marks: the database is in force as it is. Returns False if Redis did not do it."""
    return high_water_marks.reset(now=now)


class Recorder:
    """Records the state of the database from time to time, for the background refresh."""

    def __init__(self) -> None:
        self._recorded_at: datetime | None = None
        self._is_behind = False
        self._lock = threading.Lock()

    def record(self, *, now: datetime) -> None:
        """Raise the marks to the state of the database, at most once in EVERY. Logs an error once if it is behind."""
        with self._lock:
            if self._recorded_at is not None and self._recorded_at <= now < self._recorded_at + EVERY:
                return
            self._recorded_at = now
        try:
            self._record(now)
        except (DatabaseError, InterfaceError):
            return  # other checks and /readyz say so

    def _record(self, now: datetime) -> None:
        marks = high_water_marks.read(now=now)
        if marks is None:
            return
        state = _state()
        told = _told(marks, state, now=now)
        if told and not self._is_behind:
            logger.error("The database went back: %s", told)
        self._is_behind = bool(told)
        if not told and state != marks:
            high_water_marks.write(state, over=marks, now=now)


recorder = Recorder()
"""Lives as long as the process."""


def _state() -> Marks:
    """Read the state of the database."""
    head = RevocationLog.objects.values_list("version", "tag").first()
    event = AuditEvent.objects.order_by("-id").values_list("id", "at").first()
    return Marks(
        feed=Version(*head) if head else None,
        event=Event(*event) if event else None,
        registry=RegistryVersion.objects.values_list("value", flat=True).first(),
    )


def _told(marks: Marks, state: Marks, *, now: datetime) -> str:
    lacking = [*_feed(marks, state), *_event(marks), *_registry(marks, state, now=now)]
    return f"this database is older than Redis remembers: {'; '.join(lacking)}; {REMEDY}" if lacking else ""


def _feed(marks: Marks, state: Marks) -> Iterator[str]:
    if marks.feed is None:
        return
    has = state.feed or Version(0, "")
    others = Publication.objects.filter(version=marks.feed.number).exclude(tag=marks.feed.tag)
    if has.number < marks.feed.number or others.exists():
        yield f"its revocation feed is at {has}, and was at {marks.feed}"


def _event(marks: Marks) -> Iterator[str]:
    if marks.event and not AuditEvent.objects.filter(pk=marks.event.id, at=marks.event.at).exists():
        yield f"its audit trail lacks the event of {marks.event.at:%Y-%m-%d %H:%M:%S} UTC"


def _registry(marks: Marks, state: Marks, *, now: datetime) -> Iterator[str]:
    has = state.registry
    if has and has != marks.registry and high_water_marks.was_replaced(has, now=now):
        yield "its clients, secrets or APIs are those of an earlier version"
