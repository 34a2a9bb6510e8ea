"""Writes the audit trail: every security event as one line of JSON in the log, the rare ones as a row as well.

A row is also a line of the journal (tokens/audit/journal.py), which is not restored together with the database.
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
    """Keep an event as a row, in the caller's transaction, and log it once that is committed.

    `action` is a word and a past participle (`client.created`), `actor` and `subject` say who and what in words that
    may be shown (`user:alice`, `client:webapp`); `details` never hold a secret or a token.
    """
    event = AuditEvent.objects.create(
        at=now, actor=actor[:255], action=action, subject=subject[:255], details=dict(details or {})
    )
    log(action, actor=event.actor, subject=event.subject, details=event.details, now=now)
    transaction.on_commit(partial(journal.append, event), robust=True)
    return event


def log(action: str, *, actor: str, subject: str, details: Mapping[str, Any] | None = None, now: datetime) -> None:
    """Log an event that happens too often for a row of its own: a token issued, a request refused.

    The line is written once the caller's transaction is committed: what was undone did not happen.
    """
    event = {"at": now, "action": action, "actor": actor, "subject": subject, "details": dict(details or {})}
    write = partial(logger.info, "%s", json.dumps(event, cls=DjangoJSONEncoder))
    # on_commit connects to the database even outside of a transaction, so an outage would lose the line
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(write, robust=True)
    else:
        write()
