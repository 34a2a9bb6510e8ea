"""Writes the audit trail.

- `record`: rare events, such as changes in the admin and revocations. A row, a line of JSON in the log, and a line of
  the journal (tokens/audit/journal.py), which is not restored together with the database.
- `log`: frequent events, such as issued tokens and refused requests. A line of JSON in the log.
- Both write lines after the transaction is committed. If it is rolled back, they write none.
"""

import json
import logging
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from tokens.audit import journal
from tokens.models.audit import AuditEvent

logger = logging.getLogger("tokens.audit")
COUNTED = {"token.issued": "grant", "token.refused": "reason"}
"""By action of a log line that is counted (tokens/audit/tally.py), the detail by which it is counted."""
RECENT = 50_000
ADDRESS = re.compile(r"[^\s@\"'<>,;:/]+@(?=[\w-]+\.[\w.-]*\w)")
"""The part of an e-mail address before its domain."""


class Noted(NamedTuple):
    """An event that `tally` counts for the dashboard."""

    at: datetime
    action: str
    name: str
    client: str


recent: "deque[Noted]" = deque(maxlen=RECENT)
"""Lines that this process has not counted yet, the oldest first. Lives as long as the process."""

observers: list[Callable[[str, Mapping[str, Any]], None]] = []
"""Functions that get the action and the details of each event, and must not raise: project/metrics/ counts them."""

last_seen: dict[str, datetime] = {}
"""By name of a frequent event that is not counted, when it happened last in this process. Lives as long as it."""


def record(
    action: str, *, actor: str, subject: str, details: Mapping[str, Any] | None = None, now: datetime
) -> AuditEvent:
    """Record an event as a row in the caller's transaction. Logs it after the transaction is committed.

    `action` is an object and a past participle (`client.created`). `actor` caused the event and `subject` was changed,
    both in a form that may be displayed (`user:alice`, `client:webapp`). `details` must not contain a secret or token.
    """
    event = AuditEvent.objects.create(
        at=now, actor=actor[:255], action=action, subject=subject[:255], details=dict(details or {})
    )
    log(action, actor=event.actor, subject=event.subject, details=without_addresses(event.details), now=now)
    transaction.on_commit(partial(journal.append, event), robust=True)  # robust: a failure skips no other callback
    return event


def without_addresses(value: Any) -> Any:
    """Return the details of an event for the log, in which e-mail addresses have no name: only "…@" and the domain.

    The row and the journal have the whole address.
    """
    if isinstance(value, str):
        return ADDRESS.sub("…@", value)
    if isinstance(value, Mapping):
        return {name: without_addresses(member) for name, member in value.items()}
    return [without_addresses(member) for member in value] if isinstance(value, list | tuple) else value


def log(action: str, *, actor: str, subject: str, details: Mapping[str, Any] | None = None, now: datetime) -> None:
    """Log an event that is too frequent for a row, after the caller's transaction is committed.

    The arguments are those of `record`.
    """
    if (detail := COUNTED.get(action)) is not None and details is not None:
        client = actor if actor.startswith("client:") else subject
        recent.append(Noted(now, action, str(details.get(detail, "")), client))
    for observe in observers:
        observe(action, details or {})
    event = {"at": now, "action": action, "actor": actor, "subject": subject, "details": dict(details or {})}
    write = partial(logger.info, "%s", json.dumps(event, cls=DjangoJSONEncoder))
    # `on_commit` connects to the database even outside of a transaction, so an outage would lose the line.
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(write, robust=True)
    else:
        write()
