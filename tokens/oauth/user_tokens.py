"""The token response under a grant that a user gave, whichever way they gave it."""

from tokens.models import Client, UserGrant
from tokens.oauth import grant, grant_record, id_token, just_revoked, refresh_token
from tokens.oauth.audience import Target
from tokens.oauth.token_request import TokenRequest


def first(allowed: UserGrant, client: Client, request: TokenRequest, *, nonce: str = "") -> dict[str, object]:
    """An access token, and an ID token and a refresh token where they were asked for and allowed.

    Raises OAuthError invalid_target, invalid_grant where the client may not use the API any more, and NotReady where
    nothing may sign.
    """
    target = grant_record.target(allowed, client, request.resources)
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
    just_revoked.refuse_user(str(allowed.user.sub), client, now=request.now)
    issued = grant.token_response(client, grant_record.holder(allowed), target, request)
    if "openid" in target.scopes:
        issued["id_token"] = id_token.for_grant(allowed, str(issued["access_token"]), nonce=nonce, now=request.now)
    return issued
