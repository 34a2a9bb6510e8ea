"""Makes a flush token: an invalid token with an unknown `kid`, which makes a verifier fetch the JWKS again.

- No verifier accepts the token: its key pair is generated for this token and then discarded, so no JWKS has the `kid`.
- Its claims are those of a valid token, because some verifiers check `iss`, `aud` and `exp` before the key.
- Its algorithm is that of the key ring (a set of signing keys) that signs for the audience.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from tokens import conf
from tokens.issued import access_token, jws
from tokens.keys import material, rings, transfer
from tokens.keys.key_pair import RingSigner
from tokens.keys.rules import moves
from tokens.models import Api, Client, Ring

LIFETIME = timedelta(minutes=10)
ID_TOKEN = "JWT"  # noqa: S105 (a type, not a secret)


class CannotFlush(Exception):
    """A flush token, which makes a verifier fetch the JWKS again, cannot be made.

    The audience is unknown, or the issuer has no signing key yet. The message gives the reason.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushToken:
    """A token whose `kid` is in no JWKS. A verifier that gets the token fetches the JWKS again."""

    audience: str
    kid: str
    algorithm: str
    expires_at: datetime
    token: str = field(repr=False)


def make(audience: str, *, now: datetime) -> FlushToken:
    """Return an invalid token that makes a verifier fetch the JWKS again.

    `audience` is the identifier of an API or a client_id. The token has the claims of an access token for the API, or
    of an ID token for the client. Raises CannotFlush if there is no such API or client, or no signing key yet. `now` is
    the database's clock.
    """
    api = Api.named(audience)
    audience = api.identifier if api else audience
    if api is None and not Client.objects.filter(client_id=audience).exists():
        raise CannotFlush(f"{audience} is neither the identifier of an API nor a client_id")
    name = moves.signing(audience, transfer.load(), now=now) if api else _ring_of(audience)
    ring = Ring.objects.filter(name=name).first()
    if ring is None:
        raise CannotFlush("there is no signing key yet: run manage.py rotate_keys")
    return _sign(audience, api, ring, now=now)


def _ring_of(client_id: str) -> str:
    """Return the key ring that signs ID tokens for the client."""
    algorithm = Client.objects.values_list("id_token_signed_response_alg", flat=True).get(client_id=client_id)
    return rings.for_client(algorithm)


def _sign(audience: str, api: Api | None, ring: Ring, *, now: datetime) -> FlushToken:
    """Generate a key pair, and return a flush token that is signed with the private key.

    The key pair is used for this token only. It has the algorithm and the size of the keys of the key ring `ring`, but
    is not stored. `api` is None if `audience` is a client_id.
    """
    signer = RingSigner(LIFETIME, material.generate(ring.algorithm, bits=ring.bits))
    issued_at, name = int(now.timestamp()), str(uuid4())
    claims: dict[str, object] = {
        "iss": conf.issuer().url,
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
        algorithm=ring.algorithm,
        expires_at=now + LIFETIME,
        token=jws.sign(claims, typ=typ, signer=signer),
    )
