"""Reads an access token that a client presents to the issuer: to introspect, exchange or revoke it.

The issuer trusts its own signature and nothing else about it: by a key that it still publishes, as an access token
and not as any other JWT (RFC 9068 section 4). `revocation_record` tells if it is revoked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.api_jws import PyJWS

from tokens import conf
from tokens.issued import access_token
from tokens.keys import keyring

LONGEST = 8 * 1024  # characters; no API reads a longer one
AT_ONCE = timedelta(0)


class InvalidPresentedToken(Exception):
    """Not an access token of this issuer that lives; the message says why and never repeats it."""


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token of this issuer: who signed it was verified, and that it has not expired."""

    kid: str
    claims: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Whom it speaks for."""
        return str(self.claims["sub"])

    @property
    def audience(self) -> str:
        """The one API that it is for."""
        return str(self.claims["aud"])

    @property
    def client_id(self) -> str:
        """Whom it was issued to."""
        return str(self.claims["client_id"])

    @property
    def token_id(self) -> str:
        """Its own name (`jti`)."""
        return str(self.claims["jti"])

    @property
    def grant_id(self) -> str | None:
        """The grant that it was issued under; None where it needed none."""
        return self.claims.get("grant_id")

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it allows at its API."""
        return tuple(self.claims.get("scope", "").split())

    @property
    def expires_at(self) -> datetime:
        """When it dies of itself."""
        return datetime.fromtimestamp(self.claims["exp"], UTC)


def read(text: str, *, now: datetime, leeway: timedelta = AT_ONCE) -> PresentedToken:
    """The token in `text`; raises InvalidPresentedToken, and NotReady where the keys cannot be read.

    With `leeway` a token counts as living that long after its `exp`.
    """
    if len(text) > LONGEST:
        raise InvalidPresentedToken("it is too long")
    kid = _kid(text)
    key = keyring.public_key(kid, audience=_audience(text), now=now)
    if key is None:
        raise InvalidPresentedToken("no published key has its kid")
    token = PresentedToken(kid, _claims(text, key))
    if token.claims["iss"] != conf.issuer().url:
        raise InvalidPresentedToken("it was issued under another URL")
    if token.expires_at + leeway <= now:
        raise InvalidPresentedToken("it has expired")
    return token


def _kid(text: str) -> str:
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidPresentedToken("it is no JWT") from error
    kid, typ = header.get("kid"), header.get("typ")
    if typ != access_token.TYPE or not isinstance(kid, str):
        raise InvalidPresentedToken("it is no access token")
    return kid


def _audience(text: str) -> str:
    """Whom it says it is for: whose keys may have signed it. Nothing is believed before one of them has."""
    try:
        audience = jwt.decode(text, options={"verify_signature": False}).get("aud")
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidPresentedToken("it is no JWT") from error
    if not isinstance(audience, str):
        raise InvalidPresentedToken("it is no access token of this issuer")
    return audience


def _claims(text: str, key: keyring.PublicKey) -> dict[str, Any]:
    """The claims under a signature that verifies: what this issuer wrote, and so well-formed."""
    try:
        payload = PyJWS().decode(text, jwt.PyJWK(key.jwk), algorithms=[key.algorithm])
    except (jwt.PyJWTError, ValueError) as error:
        raise InvalidPresentedToken("its signature does not verify") from error
    claims: dict[str, Any] = json.loads(payload)
    return claims
