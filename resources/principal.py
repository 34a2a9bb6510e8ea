"""Who calls and with what: the verified token and the user that it names. Owns no rule about what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class AccessToken:
    """A verified access token (RFC 9068). Neither its repr nor its str shows the token itself."""

    claims: Mapping[str, Any]
    """Every claim, read-only."""
    kid: str
    """The key that signed it."""
    scopes: frozenset[str]
    raw: str = field(repr=False)
    """The compact form as it was presented, for introspection or for a token exchange; never for a log."""

    def __repr__(self) -> str:
        return f"<AccessToken client={self.claims['client_id']!r} scopes={sorted(self.scopes)!r}>"

    @property
    def expires_at(self) -> datetime:
        """When the token ends."""
        return datetime.fromtimestamp(self.claims["exp"], tz=UTC)

    @property
    def is_service(self) -> bool:
        """Whether a client acts in its own name (RFC 9068 section 5: its sub is its client_id)."""
        return bool(self.claims["sub"] == self.claims["client_id"])


@dataclass(frozen=True, slots=True)
class TokenUser:
    """The user, or the service, that a verified token names. No row in any database stands behind it."""

    sub: str
    iss: str
    client_id: str

    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """Return an identifier that is unique among all issuers' users. DRF's own throttles use it as a cache key."""
        # A hash, because a `sub` can have blanks and a length that a cache does not accept.
        return sha256(f"{self.iss}\0{self.sub}".encode()).hexdigest()

    @property
    def is_service(self) -> bool:
        """Whether it is a client in its own name."""
        return self.sub == self.client_id

    def __str__(self) -> str:
        return self.sub
