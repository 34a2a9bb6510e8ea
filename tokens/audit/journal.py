"""The audit journal: the audit trail once more, appended to a file outside of the database (ISSUER["AUDIT_JOURNAL"]).

- Each row of the audit trail becomes one line of JSON, as in the audit log, once its transaction is committed.
- The file only grows. A restore replaces the database and leaves the file as it is.
- A signing key that the journal calls revoked is neither used nor published, even if the database has it as valid.
- If the database lacks the journal's newest event, it was restored: `manage.py after_restore` applies what was lost,
  and records `database.restored`, with which both agree again.
- Without a file nothing is written, and a restore is not noticed.

Example: {"at": "2027-01-31T12:00:00.123456+00:00", "action": "key.revoked", "subject": "key:dd9EZHXB…", …}
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tokens import conf
from tokens.models.audit import AuditEvent

logger = logging.getLogger(__name__)
KEY_REVOKED = "key.revoked"
PRECISION = timedelta(milliseconds=1)
"""The precision with which the audit log writes an instant."""

_read: dict[Path, tuple[tuple[int, int], tuple["Entry", ...]]] = {}
"""By path: a file's events when it had this size and modification time. Lives as long as the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event of the audit trail, read from a line of the journal or of the audit log."""

    at: datetime
    action: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def is_in_database(self) -> bool:
        """Return True if the audit trail has the event."""
        same = AuditEvent.objects.filter(action=self.action, subject=self.subject)
        return same.filter(at__gte=self.at, at__lt=self.at + PRECISION).exists()

    def __str__(self) -> str:
        return f"{self.action} {self.subject} of {self.at:%Y-%m-%d %H:%M:%S} UTC"


def append(event: AuditEvent) -> None:
    """Append an event to the journal, if there is one. Logs a failure: the event itself is committed already."""
    path = conf.issuer().audit_journal
    if path is None:
        return
    line = {"at": event.at.isoformat(), "action": event.action, "actor": event.actor, "subject": event.subject}
    text = json.dumps(line | {"details": event.details}, default=str) + "\n"
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, text.encode())  # one call: lines of several processes do not mix
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        logger.error("AUDIT_JOURNAL %s cannot be written, and lacks %s: %s", path, event, error.strerror)  # noqa: TRY400


def entries() -> tuple[Entry, ...]:
    """Return the journal's events, oldest first; empty without a journal, or before its first line. Raises OSError."""
    path = conf.issuer().audit_journal
    if path is None or not path.exists():
        return ()
    status = path.stat()
    version = (status.st_mtime_ns, status.st_size)
    if path not in _read or _read[path][0] != version:
        with path.open(encoding="utf-8", errors="replace") as lines:
            _read[path] = (version, tuple(parse(lines)))
    return _read[path][1]


def parse(lines: Iterable[str]) -> Iterator[Entry]:
    """Return the events among the lines of a journal or a log. Skips other lines, and one that was cut short."""
    for line in lines:
        try:
            event = json.loads(line[line.index("{") :])
            at, action, subject = datetime.fromisoformat(event["at"]), event["action"], event["subject"]
            details = dict(event.get("details") or {})
        except (ValueError, KeyError, TypeError):
            continue
        if at.tzinfo is not None and isinstance(action, str) and isinstance(subject, str):
            yield Entry(at=at, action=action, subject=subject, details=details)


def revoked_keys(events: Iterable[Entry] | None = None) -> Mapping[str, datetime]:
    """Return when each key was revoked, by kid, by the journal (or `events`). Logs a file that cannot be read."""
    if events is None:
        try:
            events = entries()
        except OSError as error:
            logger.error("AUDIT_JOURNAL cannot be read: %s", error)  # noqa: TRY400 (the reason is the message)
            return {}
    return {one.subject.removeprefix("key:"): one.at for one in events if one.action == KEY_REVOKED}


def lost() -> Entry | None:
    """Return the journal's newest event if the database lacks it, else None. Raises OSError."""
    known = entries()
    return known[-1] if known and not known[-1].is_in_database() else None
