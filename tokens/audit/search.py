"""Finds events of the audit trail, for the admin's list and its export, and for the command `audit`.

For each condition of a filter, the table has an index in the order of the list, newest first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from tokens.models.audit import AuditEvent

CHUNK = 1000
"""The number of rows that `newest` reads at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter for audit events. An empty field does not restrict the result."""

    actor: str = ""
    client: str = ""
    """The client_id of a client that the event is about, or that caused it."""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """The end of the period. An event at this instant does not match."""


def find(wanted: Wanted) -> QuerySet[AuditEvent]:
    """Return the events that match the filter `wanted`, newest first."""
    return narrow(AuditEvent.objects.order_by("-at", "-id"), wanted)


def narrow(events: QuerySet[AuditEvent], wanted: Wanted) -> QuerySet[AuditEvent]:
    """Return those of `events` that match the filter `wanted`."""
    for condition in _conditions(wanted):
        events = events.filter(condition)
    return events


def _conditions(wanted: Wanted) -> Iterator[Q]:
    """Yield a query condition for each field of the filter that is not empty."""
    if wanted.actor:
        yield Q(actor=wanted.actor)
    if wanted.client:
        yield of_client(wanted.client)
    if wanted.action:
        yield Q(action=wanted.action)
    if wanted.since is not None:
        yield Q(at__gte=wanted.since)
    if wanted.until is not None:
        yield Q(at__lt=wanted.until)


def of_client(client_id: str) -> Q:
    """Return the condition for the events that are about the client or that the client caused."""
    name = f"client:{client_id}"
    return Q(subject=name) | Q(actor=name)


def before(event: AuditEvent) -> Q:
    """Return the condition for the events that are older than `event`, and so listed after it (keyset paging)."""
    return Q(at__lte=event.at) & (Q(at__lt=event.at) | Q(at=event.at, id__lt=event.pk))


def newest(events: QuerySet[AuditEvent], *, limit: int) -> Iterator[AuditEvent]:
    """Yield up to `limit` events, newest first, in reads of CHUNK rows. `events` is ordered as by `find`."""
    last: AuditEvent | None = None
    while limit > 0:
        rows = events if last is None else events.filter(before(last))
        chunk = list(rows[: min(CHUNK, limit)])
        yield from chunk
        if len(chunk) < CHUNK:
            return
        last, limit = chunk[-1], limit - len(chunk)


def actions() -> list[str]:
    """Return the names of all events in the trail, sorted. Reads one index entry for each name, not each row."""
    names: list[str] = []
    name = AuditEvent.objects.order_by("action").values_list("action", flat=True).first()
    while name is not None:
        names.append(name)
        later = AuditEvent.objects.filter(action__gt=name).order_by("action")
        name = later.values_list("action", flat=True).first()
    return names
