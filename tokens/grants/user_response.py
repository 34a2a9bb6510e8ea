"""The token response under a grant that a user gave, whichever way they gave it."""

from tokens.grants import base
from tokens.grants.request import TokenRequest
from tokens.issued import id_token, refresh_token, revocation_second, user_grant
from tokens.issued.audience import Target
from tokens.models import Client, UserGrant


def first(allowed: UserGrant, client: Client, request: TokenRequest, *, nonce: str = "") -> dict[str, object]:
    """An access token, and an ID token and a refresh token where they were asked for and allowed.

    Raises OAuthError invalid_target, invalid_grant where the client may not use the API any more, and NotReady where
    nothing may sign.
    """
    target = user_grant.target(allowed, client, request.resources)
    issued = response(allowed, client, target, request, nonce=nonce)
    if refresh_token.is_granted(client, target.scopes) and request.now < refresh_token.family_ends_at(allowed):
        issued["refresh_token"] = refresh_token.create(allowed, client, now=request.now)
    return issued


def response(
    allowed: UserGrant, client: Client, target: Target, request: TokenRequest, *, nonce: str = ""
) -> dict[str, object]:
    """Return an access token for `target`, and an ID token if `openid` is in its scopes. Raises NotReady.

    Raises OAuthError temporarily_unavailable if the token would be revoked already.
    """
    revocation_second.refuse_user(str(allowed.user.sub), client, now=request.now)
    issued = base.token_response(client, user_grant.holder(allowed), target, request)
    if "openid" in target.scopes:
        issued["id_token"] = id_token.for_grant(allowed, str(issued["access_token"]), nonce=nonce, now=request.now)
    return issued
