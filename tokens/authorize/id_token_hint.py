"""Read an ID token that a client sends to the issuer to name a user (OpenID Connect Core section 3.1.2.1).

`read` establishes:

1. The token is signed by a key of this issuer that was not revoked. A key that no longer signs (retired), or that left
   the JWKS (withdrawn), is accepted, because the hint can be much older than the current keys.
2. The token is an ID token of this issuer, and not another JWT that a key of this issuer signed.

Expiry is not checked, as the specification allows. The caller must check to which client the token was issued.
"""

from dataclasses import dataclass

from tokens import conf
from tokens.issued import access_token, id_token
from tokens.jose import compact
from tokens.keys import rings, store
from tokens.keys.key_pair import verifies
from tokens.keys.rules.moves import DEFAULT_RING

LONGEST = 8 * 1024  # characters


class NotOurs(ValueError):
    """The text is not an ID token of this issuer, or its signing key was revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """The claims of an ID token that identify a login."""

    subject: str
    client_id: str
    auth_time: int | None
    """When the user logged in, in seconds since the epoch."""


def read(text: str) -> Hint:
    """Verify the ID token `text`, which may have expired. Returns its user, its client and the time of the login.

    Raises NotOurs if the text is not an ID token of this issuer, or its signing key was revoked.
    """
    try:
        jws = compact.read(text, longest=LONGEST)
        key = _key(jws.header.get("kid"))
    except ValueError as error:
        raise NotOurs("not signed by a key of this issuer") from error
    header, claims = jws.header, jws.claims
    # The stored algorithm, not the token's: the token never chooses its verification.
    if header.get("alg") != key.algorithm or not verifies(jws.signature, jws.message, key.jwk):
        raise NotOurs("not signed by a key of this issuer")
    if header.get("typ") != id_token.TYPE or claims.get("iss") != conf.issuer().url:
        raise NotOurs("not an ID token of this issuer")
    if access_token.has_its_claims(claims) or not isinstance(claims.get("aud"), str):
        raise NotOurs("an access token of the type JWT")  # an API asked for that type
    return Hint(subject=claims["sub"], client_id=claims["aud"], auth_time=claims.get("auth_time"))


def _key(kid: object) -> store.StoredKey:
    """Return the signing key with this `kid`, from the key rings that sign ID tokens.

    Raises ValueError if there is no such key, or the key was revoked.
    """
    for ring in (DEFAULT_RING, *rings.for_id_tokens()):
        for stored in store.ours(ring):
            if stored.key.kid == kid and stored.key.revoked_at is None:
                return stored
    raise ValueError("no key of this issuer has this kid")
