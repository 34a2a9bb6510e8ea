"""Step 4. The issuer signs an access token with the claims of RFC 9068, by a key that every API has fetched already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokens.issued import jws
from tokens.issued.login import Login
from tokens.keys.key_pair import Signer

TYPE = "at+jwt"
PLAIN_TYPE = "JWT"
"""The `typ` of tokens for APIs whose verifier refuses `at+jwt`. ID tokens have this type, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """The content of an access token, before it is signed."""

    issuer: str
    subject: str
    audience: str
    client_id: str
    scopes: tuple[str, ...]
    token_id: str
    issued_at: datetime
    lifetime: timedelta
    grant_id: str | None = None
    login: Login | None = None
    """The login of the user; None if no user logged in."""
    act: Mapping[str, object] | None = None
    """The services that act for the user (RFC 8693 section 4.1); None if the user's own client acts."""
    thumbprint: str | None = None
    """The thumbprint of the key to which the token is bound (RFC 9449 section 6.1); None for a bearer token."""
    further: Mapping[str, object] | None = None
    """Groups and the deployment's own claims (tokens.claims). The names of other claims are reserved (`hook`)."""
    lists_audience: bool = False
    """True if `aud` is written as a list with one entry (RFC 7519 section 4.1.3)."""
    typ: str | None = None
    """The `typ` of the header; None for TYPE."""

    def claims(self, *, lifetime: timedelta) -> dict[str, object]:
        """Return the claims of RFC 9068 section 2.2, and `grant_id`, by which a whole grant can be revoked.

        `exp` is `lifetime` after `iat`.
        """
        issued_at = int(self.issued_at.timestamp())
        claims: dict[str, object] = {
            **(self.further or {}),
            "iss": self.issuer,
            "sub": self.subject,
            "aud": [self.audience] if self.lists_audience else self.audience,
            "exp": issued_at + int(lifetime.total_seconds()),
            "iat": issued_at,
            "jti": self.token_id,
            "client_id": self.client_id,
        }
        if self.scopes:
            claims["scope"] = " ".join(self.scopes)
        if self.grant_id is not None:
            claims["grant_id"] = self.grant_id
        if self.login is not None:
            claims |= self.login.claims()
        if self.thumbprint is not None:
            claims["cnf"] = {"jkt": self.thumbprint}
        if self.act is not None:
            claims["act"] = dict(self.act)
        return claims


@dataclass(frozen=True, slots=True)
class Minted:
    """A signed access token, and its lifetime in seconds from its issue."""

    text: str = field(repr=False)
    expires_in: int


def mint(token: AccessToken, *, signer: Signer) -> Minted:
    """Sign an access token. Its lifetime is at most the longest lifetime that the signing key permits."""
    lifetime = min(token.lifetime, signer.max_lifetime)
    text = jws.sign(token.claims(lifetime=lifetime), typ=token.typ or TYPE, signer=signer)
    return Minted(text, int(lifetime.total_seconds()))


def has_its_claims(claims: Mapping[str, object]) -> bool:
    """Return True if `claims` are those of an access token, and not of an ID token.

    `claims` come from a JWT of this issuer whose `typ` is PLAIN_TYPE. Both access tokens and ID tokens can have this
    `typ`, so only the claims distinguish them.
    """
    # An ID token always has at_hash, and neither a client_id nor a jti.
    return {"client_id", "jti"} <= claims.keys() and "at_hash" not in claims
