"""Looks up whether a presented token is still accepted.

A token is accepted unless
1. a revocation covers it,
2. its client was disabled or deleted,
3. its user was disabled or deleted, if it is a user's token.

One statement answers all three and reads the version of the registry.
"""

import uuid
from dataclasses import dataclass

from django.db.models import Exists

from tokens.issued import revocation_record
from tokens.issued.token_reader import PresentedToken
from tokens.models import Client, RegistryVersion, User


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatus:
    """The state of a token in the database."""

    registry: str | None
    """The version of the registry at the lookup, for the cache of clients (tokens/clients/registry.py)."""
    is_revoked: bool
    has_active_user: bool
    """True if its `sub` is a user who may log in."""
    has_active_client: bool
    """True if its `client_id` is a client that may be used."""


def is_accepted(token: PresentedToken) -> bool:
    """Return True unless `token` is revoked, or its client or user is not active. A client's own token has no user."""
    status = look_up(token)
    has_holder = status.has_active_client and (status.has_active_user or token.subject == token.client_id)
    return has_holder and not status.is_revoked


def look_up(token: PresentedToken) -> TokenStatus:
    """Return the state of `token`. It counts as revoked if the registry has no version."""
    # A user or client that was disabled by plain SQL left no revocation, so `is_active` is read too.
    users = User.objects.filter(sub__in=_subjects(token), is_active=True)
    clients = Client.objects.filter(client_id=token.client_id, is_active=True)
    registry_row = RegistryVersion.objects.annotate(
        revoked=Exists(revocation_record.of(token.claims, kid=token.kid)), user=Exists(users), client=Exists(clients)
    )
    row = registry_row.values_list("value", "revoked", "user", "client").first()
    registry, is_revoked, has_user, has_client = row or (None, True, False, False)
    return TokenStatus(registry=registry, is_revoked=is_revoked, has_active_user=has_user, has_active_client=has_client)


def _subjects(token: PresentedToken) -> list[uuid.UUID]:
    """Return the token's `sub` as a list of one UUID, or an empty list if the `sub` is a client's."""
    try:
        return [uuid.UUID(token.subject)]
    except ValueError:
        return []
