"""What the database says about a token that comes back, asked in the one statement that a request costs anyway."""

import uuid
from dataclasses import dataclass

from django.db.models import Exists

from tokens.models import RegistryVersion, User
from tokens.oauth import denial
from tokens.oauth.presented_token import PresentedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether a token still stands, and the version of the registry that was in force when this was asked."""

    registry: str | None
    is_denied: bool
    has_active_user: bool
    """Whether its `sub` is a user who may log in."""


def ask(token: PresentedToken) -> Standing:
    """How `token` stands; closed where the registry has no version."""
    users = User.objects.filter(sub__in=_subjects(token), is_active=True)
    asked = RegistryVersion.objects.annotate(denied=Exists(denial.of(token.claims)), active=Exists(users))
    found = asked.values_list("value", "denied", "active").first()
    registry, is_denied, has_active_user = found or (None, True, False)
    return Standing(registry=registry, is_denied=is_denied, has_active_user=has_active_user)


def _subjects(token: PresentedToken) -> list[uuid.UUID]:
    """The subject as users have it; none where a client acted for itself."""
    try:
        return [uuid.UUID(token.subject)]
    except ValueError:
        return []
