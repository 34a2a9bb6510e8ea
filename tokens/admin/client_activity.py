"""The recent activity of a client: its last token, its last refusal and its newest events. Each query is limited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tokens.admin.refusal_reason import translated_reason
from tokens.models import AuditEvent, ClientActivity, GrantType

SHOWN = 10
"""The number of events that the page of a client shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The recent activity of a client, for its page.

    A new token or refusal appears after some seconds, because tokens/audit/tally.py writes tokens and refusals in
    batches.
    """

    token_at: datetime | None
    grant_type: str
    refused_at: datetime | None
    refusal: str
    events: Sequence[AuditEvent]
    """Events about the client or caused by the client, the newest first."""


def of(client_id: str) -> Recent:
    """Return the recent activity of the client."""
    row = ClientActivity.objects.filter(client_id=client_id).first() or ClientActivity(client_id=client_id)
    grant_type = dict(GrantType.choices).get(row.grant_type, row.grant_type)
    return Recent(
        token_at=row.token_at,
        grant_type=str(grant_type),
        refused_at=row.refused_at,
        refusal=translated_reason(row.refusal),
        events=_events(f"client:{client_id}"),
    )


def _events(name: str) -> list[AuditEvent]:
    # Two reads, each in the order of an index. One read of both would sort every event of a busy client.
    about, by = (
        AuditEvent.objects.filter(**{field: name}).order_by("-at", "-id")[:SHOWN] for field in ("subject", "actor")
    )
    newest = {event.pk: event for event in (*about, *by)}
    return sorted(newest.values(), key=lambda event: (event.at, event.pk), reverse=True)[:SHOWN]
