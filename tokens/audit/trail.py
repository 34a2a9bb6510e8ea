"""Writes the audit trail.

- `record` is for rare events, such as changes in the admin and revocations. It writes a row of `AuditEvent`, a line of
  JSON in the log, and a line in the journal. The journal is a file that a restore of the database does not change
  (tokens/audit/journal.py).
- `log` is for frequent events, such as issued tokens and refused requests. It writes a line of JSON in the log.
- Both write lines after the transaction is committed. If the transaction is rolled back, they write no line.
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
"""The actions of the events that are counted (tokens/audit/tally.py), with the detail by which each is counted."""
RECENT = 50_000
ADDRESS = re.compile(r"(?<![^\s@\"'<>,;:/])[^\s@\"'<>,;:/]+@(?=[\w-]+\.[\w.-]*\w)")
"""The part of an e-mail address before its domain. A match begins a word, so that a long text takes linear time."""

USER_INFORMATION = re.compile(r"\A(client:https?://)[^/?#]*@")


class Noted(NamedTuple):
    """The fields of an event that `tally` needs to count the event for the dashboard."""

    at: datetime
    action: str
    name: str
    client: str


recent: "deque[Noted]" = deque(maxlen=RECENT)
"""Events that this process has not counted yet, the oldest first. Lives as long as the process."""

observers: list[Callable[[str, Mapping[str, Any]], None]] = []
"""Functions to call with the action and details of each event (project/metrics/ counts events). They must not raise."""

last_seen: dict[str, datetime] = {}
"""The time of the last `feed.polled` in this process, by that name. Lives as long as the process."""


def record(
    action: str, *, actor: str, subject: str, details: Mapping[str, Any] | None = None, now: datetime
) -> AuditEvent:
    """Record an event as a row in the caller's transaction, and return the row.

    After the transaction is committed, writes the event to the log and appends it to the journal.
    `action` is an object and a past participle (`client.created`). `actor` caused the event and `subject` was changed,
    both in a form that may be displayed (`user:alice`, `client:webapp`). `details` must not contain a secret or token.
    """
    event = AuditEvent.objects.create(
        at=now, actor=actor[:255], action=action, subject=subject[:255], details=dict(details or {})
    )
    log(action, actor=event.actor, subject=event.subject, details=event.details, now=now)
    transaction.on_commit(partial(journal.append, event), robust=True)  # robust: a failure skips no other callback
    return event


def without_addresses(value: Any) -> Any:
    """Return `value`, the details of an event, with shortened e-mail addresses such as `…@example.com`.

    Only the log gets the shortened addresses. The row in the database and the line in the journal have whole addresses.
    """
    if isinstance(value, str):
        return ADDRESS.sub("…@", value) if "@" in value else value
    if isinstance(value, Mapping):
        return {name: without_addresses(member) for name, member in value.items()}
    return [without_addresses(member) for member in value] if isinstance(value, list | tuple) else value


def _without_user_information(name: str) -> str:
    """Return the name of an actor or subject, with "…" in place of user information (RFC 3986 section 3.2.1).

    Example: `client:https://user:password@host/` becomes `client:https://…@host/`. No registered client has user
    information in its client_id, so the log still has the full name of each registered client.
    """
    return USER_INFORMATION.sub(r"\1…@", name)


def log(action: str, *, actor: str, subject: str, details: Mapping[str, Any] | None = None, now: datetime) -> None:
    """Log an event without a row in the database. In a transaction, write the line after the commit.

    Adds the event to `recent`, for the counts of the dashboard, and calls `observers`. Both are done at once, without
    waiting for the commit. The arguments are those of `record`. In `details`, "…" replaces the part of an e-mail
    address before the "@". `actor` and `subject` are logged without the user information of a client's URL (RFC 3986
    section 3.2.1).
    """
    if (detail := COUNTED.get(action)) is not None and details is not None:
        client = actor if actor.startswith("client:") else subject
        recent.append(Noted(now, action, str(details.get(detail, "")), client))
    for observe in observers:
        observe(action, details or {})
    event = {
        "at": now,
        "action": action,
        "actor": _without_user_information(actor),
        "subject": _without_user_information(subject),
        "details": without_addresses(details or {}),
    }
    write = partial(logger.info, "%s", json.dumps(event, cls=DjangoJSONEncoder))
    # `on_commit` connects to the database even outside of a transaction, so an outage would lose the line.
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(write, robust=True)
    else:
        write()
