"""A verified access token, and the user that it names. permissions.py decides what the token permits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class AccessToken:
    """A verified access token (RFC 9068). Its repr and its str do not contain the compact form."""

    claims: Mapping[str, Any]
    """All claims, read-only."""
    kid: str
    """The `kid` of the key that signed the token."""
    scopes: frozenset[str]
    raw: str = field(repr=False)
    """The compact form as the client sent it, for introspection and token exchange. Never log it."""

    def __repr__(self) -> str:
        return f"<AccessToken client={self.claims['client_id']!r} scopes={sorted(self.scopes)!r}>"

    @property
    def expires_at(self) -> datetime:
        """Return when the token expires (`exp`), in UTC."""
        return datetime.fromtimestamp(self.claims["exp"], tz=UTC)

    @property
    def is_service(self) -> bool:
        """Return True if the client acts for itself, which means that `sub` equals `client_id` (RFC 9068 section 5)."""
        return bool(self.claims["sub"] == self.claims["client_id"])

    @property
    def is_bound(self) -> bool:
        """Return True if the token is bound to a key. The request has then proved possession of this key (RFC 9449)."""
        return "cnf" in self.claims


@dataclass(frozen=True, slots=True)
class TokenUser:
    """The user or service that a verified token names. It has no row in a database."""

    sub: str
    iss: str
    client_id: str

    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """Return an identifier that no other user has, even if two issuers use the same `sub`.

        DRF's own throttles use it as a cache key.
        """
        # A hash, because a `sub` can contain blanks, or be too long for a cache key.
        return sha256(f"{self.iss}\0{self.sub}".encode()).hexdigest()

    @property
    def is_service(self) -> bool:
        """Return True if this is a client that acts for itself, not for a user."""
        return self.sub == self.client_id

    def __str__(self) -> str:
        return self.sub
