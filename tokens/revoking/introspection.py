"""Answers introspection requests (RFC 7662), also as signed JWTs (RFC 9701).

A token is reported as active if all of these hold:
1. It is a valid token of this issuer.
2. The requesting client may see it: it was issued to that client, or it is an access token for an API that is linked
   to that client.
3. It is not revoked, and its client and user are active.

If a condition does not hold, the answer is `{"active": false}`, so that a client learns nothing about the tokens of
other clients (RFC 7662 section 2.2).

If the API has `introspection_names_user`, the linked client also gets the user's name and verified e-mail address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tokens import conf
from tokens.email_proof import is_verified
from tokens.issued import jws, refresh_text, refresh_token, token_reader, token_status
from tokens.issued.token_reader import InvalidPresentedToken, PresentedToken
from tokens.issued.token_status import TokenStatus
from tokens.keys import keyring
from tokens.models import Api, Client, RefreshToken, User

PARAMETERS = frozenset({"token", "token_type_hint"})
SIGNED = "token-introspection+jwt"  # RFC 9701 section 5
MEDIA_TYPE = f"application/{SIGNED}"
INACTIVE: Mapping[str, object] = {"active": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The token that a client presented for introspection, with its state in the database.

    `access` is set for an access token, and `refresh` for a refresh token. Neither is set for an unknown token.
    """

    registry: str | None = None
    """The version of the registry at the lookup; None if the lookup did not read it."""
    access: tuple[PresentedToken, TokenStatus] | None = None
    refresh: RefreshToken | None = None


def look_up(text: str, *, now: datetime) -> Lookup:
    """Look up the token `text` by at most one SQL statement. The caller passes the result to `response`.

    The caller may look up the token before it authenticates the client, but must not send any of the result to a client
    that is not authenticated. Raises NotReady if the keys cannot be read.
    """
    if refresh_text.can_be(text):
        refresh, registry = refresh_token.with_registry(text)
        return Lookup(registry=registry, refresh=refresh)
    try:
        token = token_reader.read(text, now=now)
    except InvalidPresentedToken:
        return Lookup()
    status = token_status.look_up(token)
    return Lookup(registry=status.registry, access=(token, status))


def response(lookup: Lookup, client: Client, *, now: datetime) -> Mapping[str, object]:
    """Return the response of RFC 7662 section 2.2 to `client`, which must be authenticated.

    If the token is active and the client may see it, the response has the claims of the token. Otherwise, the response
    is `{"active": false}`.
    """
    if lookup.refresh is not None:
        return _of_refresh_token(lookup.refresh, client, now=now)
    if lookup.access is None:
        return INACTIVE
    token, status = lookup.access
    api = _operated(token, client)
    if (api is None and token.client_id != client.client_id) or not token_status.accepts(status, token):
        return INACTIVE
    about_user = _names(token) if api is not None and api.introspection_names_user else {}
    token_type = "Bearer" if token.thumbprint is None else "DPoP"  # RFC 9449 section 6.2
    return {"active": True, "token_type": token_type, **token.claims, **about_user}


def _of_refresh_token(token: RefreshToken, client: Client, *, now: datetime) -> Mapping[str, object]:
    """Return the response for a refresh token.

    The response is INACTIVE if the token was issued to another client, was rotated or revoked, or has expired, or if
    the client or user is disabled.
    """
    user_grant = token.grant
    if user_grant.client_id != client.pk or not refresh_token.is_live(token, now=now):
        return INACTIVE
    return {
        "active": True,
        "client_id": client.client_id,
        "iss": conf.issuer().url,
        "sub": str(user_grant.user.sub),
        "scope": user_grant.scope,
        "iat": int(token.created_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
    }


def _operated(token: PresentedToken, client: Client) -> Api | None:
    """Return the API that is the token's audience. Returns None if that API is not linked to `client`."""
    return next((api for api in client.operated_apis.all() if api.identifier == token.audience), None)


def _names(token: PresentedToken) -> dict[str, object]:
    """Return `username` (RFC 7662 section 2.2) and, if verified, `email` of the token's active user.

    Returns {} if the token has no user, or the user is not active.
    """
    if token.subject == token.client_id:
        return {}
    user = User.objects.filter(sub=token.subject, is_active=True).first()
    if user is None:
        return {}
    names: dict[str, object] = {"username": user.get_username()}
    return names | ({"email": user.email} if is_verified(user) else {})


def sign(response: Mapping[str, object], client: Client, *, now: datetime) -> str:
    """Return the response as a JWT for `client` (RFC 9701 section 5). Raises NotReady if no key may sign.

    If the APIs that are linked to the client are all on one key ring, that ring signs the JWT. Otherwise, the default
    ring signs it. If the ring has no key that may sign, `keyring.for_operator` tries other rings.
    """
    signing = keyring.for_operator([api.identifier for api in client.operated_apis.all()], now=now)
    claims = {"iss": conf.issuer().url, "aud": client.client_id, "iat": int(signing.issued_at.timestamp())}
    return jws.sign(claims | {"token_introspection": response}, typ=SIGNED, signer=signing.signer)
