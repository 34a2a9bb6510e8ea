"""Finds events of the audit trail: the admin's list, its export and the command `audit` share these conditions.

Each condition is served by an index whose order is that of the list, newest first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from tokens.models.audit import AuditEvent

CHUNK = 1000
"""Rows that `newest` reads at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are wanted. An empty field does not limit them."""

    actor: str = ""
    client: str = ""
    """The client_id of a client that the event is about, or that caused it."""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """The first instant that is not wanted."""


def find(wanted: Wanted) -> QuerySet[AuditEvent]:
    """Return the wanted events, newest first."""
    return narrow(AuditEvent.objects.order_by("-at", "-id"), wanted)


def narrow(events: QuerySet[AuditEvent], wanted: Wanted) -> QuerySet[AuditEvent]:
    """Return the wanted events among `events`."""
    for condition in _conditions(wanted):
        events = events.filter(condition)
    return events


def _conditions(wanted: Wanted) -> Iterator[Q]:
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
    """Return the condition that an event is about the client, or caused by it."""
    name = f"client:{client_id}"
    return Q(subject=name) | Q(actor=name)


def before(event: AuditEvent) -> Q:
    """Return the condition that an event is listed after `event`, which is older (keyset paging)."""
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
