"""An ID token that comes back as a hint of whom a request is about (OpenID Connect Core section 3.1.2.1)."""

from dataclasses import dataclass

from tokens import conf
from tokens.issued import id_token
from tokens.jose import compact
from tokens.keys import store
from tokens.keys.key_pair import verifies
from tokens.keys.rules.moves import DEFAULT_RING

LONGEST = 8 * 1024  # characters


class NotOurs(ValueError):
    """The text is no ID token that this issuer signed, with a key that was not revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Whom an ID token of ours is about, for which client, and when they had logged in (whole seconds)."""

    subject: str
    client_id: str
    auth_time: int | None


def read(text: str) -> Hint:
    """The hint, however old, and whether or not its key is withdrawn by now; raises NotOurs."""
    try:
        jws = compact.read(text, longest=LONGEST)
        key = _key(jws.header.get("kid"))
    except ValueError as error:
        raise NotOurs("not signed by a key of ours") from error
    header, claims = jws.header, jws.claims
    if header.get("alg") != key.algorithm or not verifies(jws.signature, jws.message, key.jwk):
        raise NotOurs("not signed by a key of ours")
    if header.get("typ") != id_token.TYPE or claims.get("iss") != conf.issuer().url:
        raise NotOurs("not an ID token of this issuer")
    return Hint(subject=claims["sub"], client_id=claims["aud"], auth_time=claims.get("auth_time"))


def _key(kid: object) -> store.StoredKey:
    """Any key that ever signed ID tokens, unless it was revoked; raises ValueError."""
    for one in store.ours(DEFAULT_RING):
        if one.key.kid == kid and one.key.revoked_at is None:
            return one
    raise ValueError("no key of ours")
