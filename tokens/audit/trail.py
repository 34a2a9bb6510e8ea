"""Writes the audit trail.

- `record`: rare events, such as changes in the admin and revocations. A row, a line of JSON in the log, and a line of
  the journal (tokens/audit/journal.py), which is not restored together with the database.
- `log`: frequent events, such as issued tokens and refused requests. A line of JSON in the log.
- Both write lines after the transaction is committed. If it is rolled back, they write none.
"""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from tokens.audit import journal
from tokens.models.audit import AuditEvent

logger = logging.getLogger("tokens.audit")


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
    log(action, actor=event.actor, subject=event.subject, details=event.details, now=now)
    transaction.on_commit(partial(journal.append, event), robust=True)  # robust: a failure skips no other callback
    return event


def log(action: str, *, actor: str, subject: str, details: Mapping[str, Any] | None = None, now: datetime) -> None:
    """Log an event that is too frequent for a row, after the caller's transaction is committed.

    The arguments are those of `record`.
    """
    event = {"at": now, "action": action, "actor": actor, "subject": subject, "details": dict(details or {})}
    write = partial(logger.info, "%s", json.dumps(event, cls=DjangoJSONEncoder))
    # `on_commit` connects to the database even outside of a transaction, so an outage would lose the line.
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(write, robust=True)
    else:
        write()
