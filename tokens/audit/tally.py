"""Counts tokens and refusals for the admin's dashboard, in the background.

- A request only appends an entry to `trail.recent`: no query, no lock. `flush` counts the entries and writes the
  counts, at most once in EVERY.
- A process that is killed loses the entries since its last flush. If there are more than `trail.RECENT` entries between
  two flushes, the oldest are not counted. The audit log has every line.
- The reason of a refusal contains no input, so the number of different reasons is bounded. In addition, one flush
  counts at most KEPT names separately. A name is a reason, or the grant type of an issued token.
- `flush` writes the activity of registered clients only, so that an invented client_id creates no row.
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
"""The number of names that one flush counts separately. Further names are counted together, as OTHER."""
OTHER = "other"
ISSUED = "token.issued"


@dataclass(frozen=True, slots=True)
class Totals:
    """The counts and the activity of clients that one call of `flush` adds to the database."""

    counts: Counter[tuple[date, str, str]]
    """The number of events by day, action and name."""
    clients: dict[str, dict[str, Noted]]
    """The newest entry by client_id and action."""


def total(entries: list[Noted]) -> Totals:
    """Return the number of entries for each day, action and name, and the newest entry of each client and action.

    The name is the grant type of an issued token, or the reason of a refusal. Beyond KEPT combinations, entries are
    counted under the name OTHER.
    """
    counts: Counter[tuple[date, str, str]] = Counter()
    clients: dict[str, dict[str, Noted]] = {}
    for entry in entries:
        key = (entry.at.date(), entry.action, entry.name[:255])
        is_counted = key in counts or len(counts) < KEPT
        counts[key if is_counted else (entry.at.date(), entry.action, OTHER)] += 1
        if entry.client.startswith("client:"):
            clients.setdefault(entry.client.removeprefix("client:"), {})[entry.action] = entry
    return Totals(counts, clients)


class Tally:
    """Collects counts of tokens and refusals, and writes them to the database at most once in EVERY. Thread-safe."""

    def __init__(self) -> None:
        self._flushed_at: datetime | None = None
        self._noted: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def flush(self, *, now: datetime) -> None:
        """Write the counts, and the time at which an API last polled the revocation feed.

        Does nothing unless EVERY has passed since the last attempt. If the database fails, the counts and the time stay
        in memory for the next attempt.
        """
        with self._lock:
            if self._flushed_at is not None and self._flushed_at <= now < self._flushed_at + EVERY:
                return
            self._flushed_at = now
        entries, last_seen = [trail.recent.popleft() for _ in range(len(trail.recent))], dict(trail.last_seen)
        try:
            if entries:
                write(total(entries))
            for name, at in last_seen.items() - self._noted.items():
                jobs.note(name, now=at)
            self._noted = last_seen
        except (DatabaseError, InterfaceError) as error:
            trail.recent.extendleft(reversed(entries))
            logger.debug("Not counted yet: %s", error)


tally = Tally()
"""Lives as long as the process."""


@transaction.atomic
def write(totals: Totals) -> None:
    """Add the totals to the counts in the database, and store the newest activity of each registered client."""
    # In one order, so that the flushes of two processes do not wait for each other in a circle.
    for (day, action, name), number in sorted(totals.counts.items()):
        _add(day, action, name, number)
    registered_ids = Client.objects.filter(client_id__in=totals.clients).values_list("client_id", flat=True)
    for client_id in sorted(registered_ids):
        ClientActivity.objects.update_or_create(client_id=client_id, defaults=_fields(totals.clients[client_id]))


def _add(day: date, action: str, name: str, number: int) -> None:
    """Add `number` to the count of this day, action and name. Create the row if it is missing, in a savepoint."""
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
    """Return how often each name of an action was counted on one day, as pairs (name, count).

    The name is the grant type of an issued token, or the reason of a refusal. The highest count comes first. Returns
    at most `limit` pairs.
    """
    rows = DailyCount.objects.filter(day=day, action=action).order_by("-number", "name")
    return list(rows.values_list("name", "number")[:limit])
