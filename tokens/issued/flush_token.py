"""Makes a flush token: an invalid token with an unknown `kid`, which makes a verifier fetch the JWKS again.

- No verifier accepts it: its key pair is generated for it and dropped, so no JWKS ever has the `kid`.
- Its claims are those of a valid token, because some verifiers check `iss`, `aud` and `exp` before the key.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from tokens.issued import access_token, jws
from tokens.keys import material
from tokens.keys.key_pair import RingSigner
from tokens.models import Api

LIFETIME = timedelta(minutes=10)
ID_TOKEN = "JWT"  # noqa: S105 (a type, not a secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushToken:
    """A token whose `kid` is in no JWKS."""

    audience: str
    kid: str
    algorithm: str
    expires_at: datetime
    token: str = field(repr=False)


def make(issuer: str, audience: str, *, api: Api | None, algorithm: str, bits: int | None, now: datetime) -> FlushToken:
    """Return an access token for `api`, whose identifier is `audience`, or an ID token for the client `audience`.

    It is signed by a new key of `algorithm`. `bits` is the size of an RSA modulus, or None for other keys.
    """
    signer = RingSigner(LIFETIME, material.generate(algorithm, bits=bits))
    issued_at, name = int(now.timestamp()), str(uuid4())
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": name,
        "aud": audience,
        "exp": issued_at + int(LIFETIME.total_seconds()),
        "iat": issued_at,
    }
    if api is not None:
        claims |= {"jti": str(uuid4()), "client_id": name}
    if api is not None and api.lists_audience:
        claims["aud"] = [audience]
    typ = ID_TOKEN if api is None or api.dangerously_issues_typ_jwt else access_token.TYPE
    return FlushToken(
        audience=audience,
        kid=signer.kid,
        algorithm=algorithm,
        expires_at=now + LIFETIME,
        token=jws.sign(claims, typ=typ, signer=signer),
    )
