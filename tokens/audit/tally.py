"""Counts tokens and refusals for the admin's dashboard, in the background.

- A request only appends to `trail.recent`: no query, no lock. `flush` writes what has been appended, every EVERY.
- A process that is killed loses what it appended since the last flush; more than `trail.RECENT` entries between two
  flushes are counted in part. The audit log has every line.
- Reasons of refusals repeat no input, so their number is bounded; KEPT bounds it once more.
- A client that no operator knows is not written: `flush` writes the activity of registered clients only.
"""

import logging
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import F

from tokens.audit import jobs, trail
from tokens.audit.trail import Noted
from tokens.models.activity import ClientActivity, DailyCount
from tokens.models.client import Client

logger = logging.getLogger(__name__)
EVERY = timedelta(seconds=15)
"""The shortest time between two flushes of a process."""
KEPT = 200
"""The number of names that one flush counts apart. Further names are counted together."""
OTHER = "other"
ISSUED = "token.issued"


@dataclass(frozen=True, slots=True)
class Totals:
    """The counts and the activity of clients that one flush adds to the database."""

    counts: Counter[tuple[date, str, str]]
    """By day, action and name."""
    clients: dict[str, dict[str, Noted]]
    """By client_id and action, the newest entry."""


def total(entries: list[Noted]) -> Totals:
    """Add the entries up."""
    counts: Counter[tuple[date, str, str]] = Counter()
    clients: dict[str, dict[str, Noted]] = {}
    for entry in entries:
        key = (entry.at.date(), entry.action, entry.name[:255])
        known = key in counts or len(counts) < KEPT
        counts[key if known else (entry.at.date(), entry.action, OTHER)] += 1
        if entry.client.startswith("client:"):
            clients.setdefault(entry.client.removeprefix("client:"), {})[entry.action] = entry
    return Totals(counts, clients)


class Tally:
    """Writes what requests appended, at most once in EVERY. It is safe to call from several threads."""

    def __init__(self) -> None:
        self._flushed_at: datetime | None = None
        self._noted: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def flush(self, *, now: datetime) -> None:
        """Write the counts if EVERY has passed. Keeps them for the next flush if the database does not answer."""
        with self._lock:
            if self._flushed_at is not None and self._flushed_at <= now < self._flushed_at + EVERY:
                return
            self._flushed_at = now
        entries, seen = [trail.recent.popleft() for _ in range(len(trail.recent))], dict(trail.last_seen)
        try:
            if entries:
                write(total(entries))
            for name, at in seen.items() - self._noted.items():
                jobs.note(name, now=at)
            self._noted = seen
        except (DatabaseError, InterfaceError) as error:
            trail.recent.extendleft(reversed(entries))
            logger.debug("Not counted yet: %s", error)


tally = Tally()
"""Lives as long as the process."""


@transaction.atomic
def write(totals: Totals) -> None:
    """Add the totals to the rows."""
    # In one order, so that the flushes of two processes do not wait for each other in a circle.
    for (day, action, name), number in sorted(totals.counts.items()):
        _add(day, action, name, number)
    known = Client.objects.filter(client_id__in=totals.clients).values_list("client_id", flat=True)
    for client_id in sorted(known):
        ClientActivity.objects.update_or_create(client_id=client_id, defaults=_fields(totals.clients[client_id]))


def _add(day: date, action: str, name: str, number: int) -> None:
    row = {"day": day, "action": action, "name": name}
    rows, more = DailyCount.objects.filter(**row), {"number": F("number") + number}
    if rows.update(**more):
        return
    try:
        with transaction.atomic():
            DailyCount.objects.create(**row, number=number)
    except IntegrityError:  # another process created the row
        rows.update(**more)


def _fields(newest: dict[str, Noted]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for action, entry in newest.items():
        if action == ISSUED:
            fields |= {"token_at": entry.at, "grant_type": entry.name[:255]}
        else:
            fields |= {"refused_at": entry.at, "refusal": entry.name[:255]}
    return fields


def of_day(day: date, action: str, *, limit: int) -> list[tuple[str, int]]:
    """Return names with their numbers of a day, the greatest first."""
    rows = DailyCount.objects.filter(day=day, action=action).order_by("-number", "name")
    return list(rows.values_list("name", "number")[:limit])
