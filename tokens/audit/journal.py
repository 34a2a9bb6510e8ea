"""The audit journal: a copy of the audit trail in a file outside of the database (ISSUER["AUDIT_JOURNAL"]).

- Each row of the audit trail is appended as one line of JSON, after the transaction of the row is committed.
- The file only grows. A restore replaces the database and leaves the file as it is.
- A signing key that is revoked in the journal is neither used nor published, even if it is valid in the database.
- If the database lacks the journal's newest event, the database was restored. `manage.py after_restore` repeats the
  lost revocations and records `database.restored`, which is then the newest event of the journal and of the database.
- Without the setting, no journal is written. Then a restore can be noticed only by comparing the database with its
  newest state that was recorded in Redis (tokens/revoking/high_water.py).

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
"""For the path of each file that was read: its modification time (ns) and size at that time, and its events.

The cache lives as long as the process.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event of the audit trail, read from a line of the journal or of the audit log."""

    at: datetime
    action: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def is_in_database(self) -> bool:
        """Return True if the audit trail in the database has the event."""
        same = AuditEvent.objects.filter(action=self.action, subject=self.subject)
        return same.filter(at__gte=self.at, at__lt=self.at + PRECISION).exists()

    def __str__(self) -> str:
        return f"{self.action} {self.subject} of {self.at:%Y-%m-%d %H:%M:%S} UTC"


def append(event: AuditEvent) -> None:
    """Append an event to the journal, if AUDIT_JOURNAL is set. Logs an error if the file cannot be written."""
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
    except OSError as error:  # not raised: the event is committed already, and the request must not fail
        logger.error("AUDIT_JOURNAL %s cannot be written, and lacks %s: %s", path, event, error.strerror)  # noqa: TRY400


def entries() -> tuple[Entry, ...]:
    """Return the journal's events, oldest first. Returns no events if no journal is set or nothing was written yet.

    Raises OSError if the file cannot be read.
    """
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
    """Yield the events among the lines of a journal or a log. Skips lines that are not events or are incomplete."""
    for line in lines:
        try:
            event = json.loads(line[line.index("{") :])
            at, action, subject = datetime.fromisoformat(event["at"]), event["action"], event["subject"]
            details = dict(event.get("details") or {})
        except (ValueError, KeyError, TypeError):
            continue
        # The trail writes instants with a time zone: a line without it is not an event.
        if at.tzinfo is not None and isinstance(action, str) and isinstance(subject, str):
            yield Entry(at=at, action=action, subject=subject, details=details)


def revoked_keys(events: Iterable[Entry] | None = None) -> Mapping[str, datetime]:
    """Return the time of revocation of each revoked key among `events`, by kid. Reads the journal if `events` is None.

    Logs an error and returns no keys if the journal cannot be read.
    """
    if events is None:
        try:
            events = entries()
        except OSError as error:
            logger.error("AUDIT_JOURNAL cannot be read: %s", error)  # noqa: TRY400 (the reason is the message)
            return {}
    return {event.subject.removeprefix("key:"): event.at for event in events if event.action == KEY_REVOKED}


def lost() -> Entry | None:
    """Return the journal's newest event if the database lacks it, else None.

    Raises OSError if the file cannot be read.
    """
    events = entries()
    return events[-1] if events and not events[-1].is_in_database() else None
