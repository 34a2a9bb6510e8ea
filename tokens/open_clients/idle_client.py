"""Selects self-registered clients that are not used. `purge_tokens` deletes them.

- A client that never got a token is kept for NEVER_USED after its registration or the last fetch of its document.
- A client that got a token is kept for IDLE after its last use, and as long as it has a user grant.
- A blocked (inactive) client is kept, because its deletion would lift the block.
- Clients that an operator registered are never deleted.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from tokens.models import Client, OpenClient, Registrar, UserGrant

NEVER_USED = timedelta(days=7)
IDLE = timedelta(days=90)
MOST_UNUSED = 10_000
"""The most clients of one Registrar that never got a token. Further clients are refused until some are purged."""


def ended(now: datetime) -> "QuerySet[Client]":
    """Return the self-registered clients that can be deleted at `now`.

    The clients are ordered by `OpenClient.ends_at`, the end of the time for which an unused client is kept.
    """
    has_grant = Exists(UserGrant.objects.filter(client=OuterRef("pk")))
    is_unused = Q(last_used_on=None) | Q(last_used_on__lt=(now - IDLE).date())
    # Only self-registered clients have a row of OpenClient, so that no other client can be deleted.
    return Client.objects.filter(~has_grant, is_unused, is_active=True, open_client__ends_at__lt=now).order_by(
        "open_client__ends_at"
    )


def are_too_many(registrar: Registrar) -> bool:
    """Return True if MOST_UNUSED or more clients of this kind never got a token. Further clients are then refused.

    The kind, `registrar`, is metadata documents or dynamic registration.
    """
    never_used = OpenClient.objects.filter(client__registered_by=registrar, client__last_used_on=None)
    return never_used.count() >= MOST_UNUSED
