"""The holder of a token: a user, or a client that acts for itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from tokens.issued.login import Login
from tokens.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The holder of a token: a user, or a client that acts for itself.

    `grant_id` identifies the user's grant. It is None if there is no grant.
    """

    subject: str
    grant_id: str | None = None
    login: Login | None = None
    act: Mapping[str, object] | None = None
    user: User | None = None
    """The user's row, if the grant type read it."""
