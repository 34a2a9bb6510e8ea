"""Reads an access token that a client presents to the issuer: to introspect, exchange or revoke it.

A token is read if all of these hold (RFC 9068 section 4):
1. It is at most LONGEST characters long.
2. Its header has a `kid` and the `typ` of an access token, so that no other JWT of the issuer passes.
3. The issuer publishes a key with that `kid` in the key set of its `aud`.
4. The signature verifies with that key, under the key's own algorithm.
5. Its `iss` is this issuer.
6. It has not expired.

The caller must also check that the token is not revoked (token_status).
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

LONGEST = 8 * 1024  # characters; no API reads a longer token
NO_LEEWAY = timedelta(0)


class InvalidPresentedToken(Exception):
    """The text is not a valid access token of this issuer. The message says why, and never contains the token."""


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token of this issuer whose signature and expiry were verified."""

    kid: str
    claims: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Return the `sub`: a user's, or the client_id of a client that acts for itself."""
        return str(self.claims["sub"])

    @property
    def audience(self) -> str:
        """Return the `aud`: the identifier of one API, or of the issuer."""
        return str(self.claims["aud"])

    @property
    def client_id(self) -> str:
        """Return the client that the token was issued to."""
        return str(self.claims["client_id"])

    @property
    def token_id(self) -> str:
        """Return the `jti`."""
        return str(self.claims["jti"])

    @property
    def grant_id(self) -> str | None:
        """Return the id of its user grant, or None if it was issued without one."""
        return self.claims.get("grant_id")

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return its scopes. An empty tuple if it has none."""
        return tuple(self.claims.get("scope", "").split())

    @property
    def expires_at(self) -> datetime:
        """Return the instant of its `exp`."""
        return datetime.fromtimestamp(self.claims["exp"], UTC)


def read(text: str, *, now: datetime, leeway: timedelta = NO_LEEWAY) -> PresentedToken:
    """Return the token in `text`. A token is accepted for `leeway` after its `exp`.

    Raises InvalidPresentedToken, and NotReady if the keys cannot be read.
    """
    if len(text) > LONGEST:
        raise InvalidPresentedToken("the token is too long")
    kid = _kid(text)
    key = keyring.public_key(kid, audience=_audience(text), now=now)
    if key is None:
        raise InvalidPresentedToken("no published key has the token's kid")
    token = PresentedToken(kid, _claims(text, key))
    if token.claims["iss"] != conf.issuer().url:
        raise InvalidPresentedToken("the token was issued under another issuer URL")
    if token.expires_at + leeway <= now:
        raise InvalidPresentedToken("the token has expired")
    return token


def _kid(text: str) -> str:
    """Return the `kid` of an access token. Raises InvalidPresentedToken for any other text."""
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidPresentedToken("the token is not a JWT") from error
    kid, typ = header.get("kid"), header.get("typ")
    if typ != access_token.TYPE or not isinstance(kid, str):
        raise InvalidPresentedToken("the token is not an access token")
    return kid


def _audience(text: str) -> str:
    """Return the unverified `aud`, which selects the key set to verify with. Raises InvalidPresentedToken."""
    # A forged `aud` gains nothing: the token must still verify with a key of that set.
    try:
        audience = jwt.decode(text, options={"verify_signature": False}).get("aud")
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidPresentedToken("the token is not a JWT") from error
    if not isinstance(audience, str):
        raise InvalidPresentedToken("the token is not an access token of this issuer")
    return audience


def _claims(text: str, key: keyring.PublicKey) -> dict[str, Any]:
    """Return the claims if the signature verifies with `key`. Raises InvalidPresentedToken."""
    # The key decides the algorithm, never the token. Claims that the issuer signed need no further check of their form.
    try:
        payload = PyJWS().decode(text, jwt.PyJWK(key.jwk), algorithms=[key.algorithm])
    except (jwt.PyJWTError, ValueError) as error:
        raise InvalidPresentedToken("the signature does not verify") from error
    claims: dict[str, Any] = json.loads(payload)
    return claims
