"""What the database says about a token that comes back, asked in the one statement that a request costs anyway."""

import uuid
from dataclasses import dataclass

from django.db.models import Exists

from tokens.issued import revocation_record
from tokens.issued.token_reader import PresentedToken
from tokens.models import Client, RegistryVersion, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether a token still stands, and the version of the registry that was in force when this was asked."""

    registry: str | None
    is_revoked: bool
    has_active_user: bool
    """Whether its `sub` is a user who may log in."""
    has_active_client: bool
    """Whether the client that it was issued to is still one."""


def stands(token: PresentedToken) -> bool:
    """Return True unless `token` is revoked, or its client, or its user if it is a user's, is not active.

    Checks `is_active` because a user or client that was disabled by SQL left no revocation.
    """
    found = ask(token)
    by_whom = found.has_active_client and (found.has_active_user or token.subject == token.client_id)
    return by_whom and not found.is_revoked


def ask(token: PresentedToken) -> Standing:
    """How `token` stands; closed where the registry has no version."""
    users = User.objects.filter(sub__in=_subjects(token), is_active=True)
    clients = Client.objects.filter(client_id=token.client_id, is_active=True)
    asked = RegistryVersion.objects.annotate(
        revoked=Exists(revocation_record.of(token.claims, kid=token.kid)), user=Exists(users), client=Exists(clients)
    )
    found = asked.values_list("value", "revoked", "user", "client").first()
    registry, is_revoked, has_user, has_client = found or (None, True, False, False)
    return Standing(registry=registry, is_revoked=is_revoked, has_active_user=has_user, has_active_client=has_client)


def _subjects(token: PresentedToken) -> list[uuid.UUID]:
    """The subject as users have it; none where a client acted for itself."""
    try:
        return [uuid.UUID(token.subject)]
    except ValueError:
        return []
