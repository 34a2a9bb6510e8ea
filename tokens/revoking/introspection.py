"""Answers introspection requests (RFC 7662), also as signed JWTs (RFC 9701).

A token is reported as active if all of these hold:
1. It is a valid token of this issuer.
2. The client that asks may see it: it was issued to the client, or is for an API that the client operates.
3. It is not revoked, and its client and user are active.

Every other token gets the same answer, so that the answer reveals nothing about tokens of others (section 2.2).
"""

from collections.abc import Mapping
from datetime import datetime

from tokens import conf
from tokens.issued import jws, refresh_token, token_reader, token_status
from tokens.issued.token_reader import InvalidPresentedToken, PresentedToken
from tokens.keys import keyring
from tokens.models import Api, Client, RefreshToken

PARAMETERS = frozenset({"token", "token_type_hint"})
SIGNED = "token-introspection+jwt"  # RFC 9701 section 5
MEDIA_TYPE = f"application/{SIGNED}"
INACTIVE: Mapping[str, object] = {"active": False}


def introspect(text: str, client: Client, *, now: datetime) -> Mapping[str, object]:
    """Return the response of section 2.2 to `client`: the claims of an active token, else `{"active": false}`.

    Raises NotReady if the keys cannot be read.
    """
    if (refresh := refresh_token.find(text)) is not None:
        return _of_refresh_token(refresh, client, now=now)
    try:
        token = token_reader.read(text, now=now)
    except InvalidPresentedToken:
        return INACTIVE
    if not may_see(token, client) or not token_status.is_accepted(token):
        return INACTIVE
    return {"active": True, "token_type": "Bearer", **token.claims}


def _of_refresh_token(token: RefreshToken, client: Client, *, now: datetime) -> Mapping[str, object]:
    """Return the response for a refresh token. Only its own client may see it."""
    grant = token.grant
    if grant.client_id != client.pk or not refresh_token.is_live(token, now=now):
        return INACTIVE
    return {
        "active": True,
        "client_id": client.client_id,
        "iss": conf.issuer().url,
        "sub": str(grant.user.sub),
        "scope": grant.scope,
        "iat": int(token.created_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
    }


def may_see(token: PresentedToken, client: Client) -> bool:
    """Return True if the token was issued to `client`, or is for an API that `client` operates."""
    if token.client_id == client.client_id:
        return True
    return Api.objects.filter(identifier=token.audience, client=client).exists()


def sign(response: Mapping[str, object], client: Client, *, now: datetime) -> str:
    """Return the response as a JWT for `client` (RFC 9701 section 5). Raises NotReady if no key may sign.

    The client can verify it with the JWKS that its APIs read.
    """
    signing = keyring.for_operator([api.identifier for api in client.operated_apis.all()], now=now)
    claims = {"iss": conf.issuer().url, "aud": client.client_id, "iat": int(signing.issued_at.timestamp())}
    return jws.sign(claims | {"token_introspection": response}, typ=SIGNED, signer=signing.signer)
