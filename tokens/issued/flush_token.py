"""A token that no verifier accepts, and that makes a verifier fetch the JWKS because it has never seen the kid.

- Its key pair is made for it and thrown away: the kid is in no JWKS and never will be.
- Its claims are those of a good token. Some verifiers compare `iss`, `aud` and `exp` before they look for the key.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from tokens.issued import access_token, jws
from tokens.keys import material
from tokens.keys.key_pair import RingSigner

LIFETIME = timedelta(minutes=10)
ID_TOKEN = "JWT"  # noqa: S105 (a type, not a secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushToken:
    """A token whose kid exists nowhere."""

    audience: str
    kid: str
    algorithm: str
    expires_at: datetime
    token: str = field(repr=False)


def make(issuer: str, audience: str, *, is_client: bool, algorithm: str, bits: int | None, now: datetime) -> FlushToken:
    """Return an access token for an API or, if `is_client`, an ID token for a client, signed by a key of its own."""
    signer = RingSigner(LIFETIME, material.generate(algorithm, bits=bits))
    issued_at, name = int(now.timestamp()), str(uuid4())
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": name,
        "aud": audience,
        "exp": issued_at + int(LIFETIME.total_seconds()),
        "iat": issued_at,
    }
    if not is_client:
        claims |= {"jti": str(uuid4()), "client_id": name}
    typ = ID_TOKEN if is_client else access_token.TYPE
    return FlushToken(
        audience=audience,
        kid=signer.kid,
        algorithm=algorithm,
        expires_at=now + LIFETIME,
        token=jws.sign(claims, typ=typ, signer=signer),
    )
