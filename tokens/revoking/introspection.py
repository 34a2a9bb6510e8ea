"""What a token is worth at this moment, told to whom it concerns (RFC 7662)."""

from collections.abc import Mapping
from datetime import datetime

from tokens import conf
from tokens.issued import jws, refresh_token, token_reader, token_status
from tokens.issued.token_reader import InvalidPresentedToken, PresentedToken
from tokens.keys import keyring
from tokens.keys.key_pair import Signer
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.models import Api, Client, RefreshToken

PARAMETERS = frozenset({"token", "token_type_hint"})
SIGNED = "token-introspection+jwt"  # RFC 9701 section 5
MEDIA_TYPE = f"application/{SIGNED}"
INACTIVE: Mapping[str, object] = {"active": False}


def introspect(text: str, client: Client, *, now: datetime) -> Mapping[str, object]:
    """The response of section 2.2: the token's claims, or that it is not active, for whatever reason.

    It is told to the client that the token was issued to, and to the client that its API is; to others the token is
    not active. Raises NotReady where the keys cannot be read.
    """
    if (found := refresh_token.find(text)) is not None:
        return _of_refresh_token(found, client, now=now)
    try:
        token = token_reader.read(text, now=now)
    except InvalidPresentedToken:
        return INACTIVE
    if not concerns(token, client) or not token_status.stands(token):
        return INACTIVE
    return {"active": True, "token_type": "Bearer", **token.claims}


def _of_refresh_token(token: RefreshToken, client: Client, *, now: datetime) -> Mapping[str, object]:
    """A refresh token concerns the client that holds it, and nobody else."""
    allowed = token.grant
    if allowed.client_id != client.pk or not refresh_token.is_live(token, now=now):
        return INACTIVE
    return {
        "active": True,
        "client_id": client.client_id,
        "iss": conf.issuer().url,
        "sub": str(allowed.user.sub),
        "scope": allowed.scope,
        "iat": int(token.created_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
    }


def concerns(token: PresentedToken, client: Client) -> bool:
    """Whether the token was issued to `client`, or for an API that `client` operates."""
    if token.client_id == client.client_id:
        return True
    return Api.objects.filter(identifier=token.audience, client=client).exists()


def ring_for(client: Client, *, now: datetime) -> str:
    """The ring that signs what `client` is told: the one that signs for the APIs that it operates, if it is one.

    An API on a ring of its own reads that ring's key set and no other. Raises NotReady.
    """
    rings = {keyring.signing_ring(api.identifier, now=now) for api in client.operated_apis.all()}
    return rings.pop() if len(rings) == 1 else DEFAULT_RING


def sign(response: Mapping[str, object], client: Client, *, signer: Signer, now: datetime) -> str:
    """The response as a JWT for `client` (RFC 9701 section 5)."""
    claims = {"iss": conf.issuer().url, "aud": client.client_id, "iat": int(now.timestamp())}
    return jws.sign(claims | {"token_introspection": response}, typ=SIGNED, signer=signer)
