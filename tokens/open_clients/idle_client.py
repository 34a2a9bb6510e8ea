"""Clients that registered themselves and are not used: `purge_tokens` deletes them.

- A client that never got a token is kept for NEVER_USED after its registration or the last fetch of its document.
- A client that got one is kept for IDLE after its last use, and as long as it has a user grant.
- A blocked (inactive) client is kept, because its deletion would lift the block.
- Clients that an operator registered are never deleted.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from tokens.models import Client, OpenClient, Registrar, UserGrant

NEVER_USED = timedelta(days=7)
IDLE = timedelta(days=90)
MOST_UNUSED = 10_000
"""Clients of one kind that never got a token. Further ones are refused until some are purged."""


def ended(now: datetime) -> "QuerySet[Client]":
    """Return the self-registered clients that can be deleted at `now`, ordered by their end."""
    has_grant = Exists(UserGrant.objects.filter(client=OuterRef("pk")))
    is_unused = Q(last_used_on=None) | Q(last_used_on__lt=(now - IDLE).date())
    # The state decides if a client may be deleted; only self-registered clients have one.
    return Client.objects.filter(~has_grant, is_unused, is_active=True, open_client__ends_at__lt=now).order_by(
        "open_client__ends_at"
    )


def are_too_many(registrar: Registrar) -> bool:
    """Return True if too many clients of this kind were never used, so that no more may be registered."""
    never_used = OpenClient.objects.filter(client__registered_by=registrar, client__last_used_on=None)
    return never_used.count() >= MOST_UNUSED
