"""Reads an access token that a client presents to the issuer: to introspect, exchange or revoke it.

`read` establishes:

1. The text is a compact JWS, and its `typ` is that of an access token (RFC 9068 section 4). The tokens of some APIs
   have the `typ` JWT instead, which ID tokens also have. The `typ` JWT is accepted only if `aud` is not the issuer and
   the claims are those of an access token.
2. A key that the issuer still publishes has the token's `kid`, and may sign for the token's audience.
3. The signature verifies by that key and its algorithm. So the issuer wrote the claims, and they are well-formed.
4. The token was issued under this issuer's URL, and has not expired.

This module does not check whether the token is revoked. `token_status` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tokens import conf
from tokens.issued import access_token
from tokens.jose import compact
from tokens.keys import publication
from tokens.keys.key_pair import verifies

LONGEST = 8 * 1024  # characters; no API reads a longer token
NO_LEEWAY = timedelta(0)


class InvalidPresentedToken(Exception):
    """The text is not a valid access token of this issuer. The message gives the reason, but not the token."""


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token of this issuer whose signature and expiry were verified."""

    kid: str
    claims: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Return the `sub`. It identifies a user, or is the client_id of a client that acts for itself."""
        return str(self.claims["sub"])

    @property
    def audience(self) -> str:
        """Return the `aud`, which identifies one API or the issuer."""
        return str(_audience(self.claims))

    @property
    def client_id(self) -> str:
        """Return the client that the token was issued to."""
        return str(self.claims["client_id"])

    @property
    def token_id(self) -> str:
        """Return the identifier of the token (`jti`)."""
        return str(self.claims["jti"])

    @property
    def grant_id(self) -> str | None:
        """Return the id of the token's user grant, or None if the token was issued without one."""
        return self.claims.get("grant_id")

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes of the token, or an empty tuple if it has none."""
        return tuple(self.claims.get("scope", "").split())

    @property
    def thumbprint(self) -> str | None:
        """Return the thumbprint of the key that the token is bound to (RFC 9449 section 6.1), or None."""
        thumbprint: str | None = self.claims.get("cnf", {}).get("jkt")
        return thumbprint

    @property
    def expires_at(self) -> datetime:
        """Return when the token expires (`exp`)."""
        return datetime.fromtimestamp(self.claims["exp"], UTC)


def read(text: str, *, now: datetime, leeway: timedelta = NO_LEEWAY) -> PresentedToken:
    """Verify and return the access token in `text`. It is still accepted for the time `leeway` after its `exp`.

    Raises InvalidPresentedToken if the token is not valid, and NotReady if the keys cannot be read.
    """
    if len(text) > LONGEST:
        raise InvalidPresentedToken("the token is too long")
    try:
        jws = compact.read(text, longest=LONGEST)
    except compact.Unreadable as error:
        raise InvalidPresentedToken("the token is not a JWT") from error
    kid, audience = _addressing(jws)
    # The unverified audience only chooses among the issuer's own keys.
    key = publication.public_key(kid, audience=audience, now=now)
    if key is None:
        raise InvalidPresentedToken("no published key has the token's kid")
    if jws.header.get("alg") != key.algorithm or not verifies(jws.signature, jws.message, key.jwk):
        raise InvalidPresentedToken("the signature does not verify")
    token = PresentedToken(kid, jws.claims)
    if token.claims["iss"] != conf.issuer().url:
        raise InvalidPresentedToken("the token was issued under another issuer URL")
    if token.expires_at + leeway <= now:
        raise InvalidPresentedToken("the token has expired")
    return token


def _addressing(jws: compact.Jws) -> tuple[str, str]:
    """Return the `kid` and the `aud` of an access token.

    Raises InvalidPresentedToken if `jws` is not an access token.
    """
    kid, audience = jws.header.get("kid"), _audience(jws.claims)
    if not _is_access_token(jws, audience) or not isinstance(kid, str) or "crit" in jws.header:
        raise InvalidPresentedToken("the token is not an access token")
    if not isinstance(audience, str):
        raise InvalidPresentedToken("the token is not an access token of this issuer")
    return kid, audience


def _audience(claims: Mapping[str, Any]) -> object:
    """Return the `aud`. If it is a list with one entry, as some APIs ask for, return the entry."""
    audience = claims.get("aud")
    return audience[0] if isinstance(audience, list) and len(audience) == 1 else audience


def _is_access_token(jws: compact.Jws, audience: object) -> bool:
    """Return True if `jws` is an access token. The header `typ` decides.

    1. `at+jwt`: it is an access token.
    2. `JWT`, which some APIs require and which ID tokens also have: it is an access token if its claims are those of an
       access token and `audience` is not the issuer.
    3. Any other `typ`: it is not an access token.
    """
    typ = jws.header.get("typ")
    if typ != access_token.PLAIN_TYPE:
        return bool(typ == access_token.TYPE)
    return audience != conf.issuer().url and access_token.has_its_claims(jws.claims)
