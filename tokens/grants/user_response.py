"""Issues the tokens under a user grant, for the authorization code, device code and refresh token grant types."""

from dataclasses import replace

from tokens.claims import contents
from tokens.claims.hook import ClaimsContext, Place
from tokens.grants import base, holder_key, revocation_second
from tokens.grants.base import Tokens
from tokens.grants.request import ClientRequest
from tokens.issued import id_token, refresh_token
from tokens.issued import user_grant as user_grants
from tokens.issued.audience import Target
from tokens.models import Client, UserGrant


def first(user_grant: UserGrant, client: Client, request: ClientRequest, *, nonce: str = "") -> Tokens:
    """Issue the first tokens under a grant. `nonce` is the nonce of the authorization request, or "" if it had none.

    If the user allowed `openid`, the tokens include an ID token. If the client gets refresh tokens
    (`refresh_token.is_granted`), the tokens include a refresh token.

    Raises the errors of `user_grant.target`, such as invalid_target if the request names another API. Also raises the
    errors of `issue`.
    """
    target = user_grants.target(user_grant, client, request.resources)
    tokens = issue(user_grant, client, target, request, nonce=nonce)
    if not refresh_token.is_granted(client, target.scopes) or request.now >= refresh_token.family_ends_at(user_grant):
        return tokens
    thumbprint = holder_key.of_refresh_token(client, request)
    return replace(
        tokens, refresh_token=refresh_token.create(user_grant, client, thumbprint=thumbprint, now=request.now)
    )


def issue(user_grant: UserGrant, client: Client, target: Target, request: ClientRequest, *, nonce: str = "") -> Tokens:
    """Issue an access token under `user_grant` for `target`, and an ID token if `openid` is in the scopes of `target`.

    `nonce` is the nonce of the authorization request, for the ID token, or "" if there is none.

    Raises NotReady if no key may sign, OAuthError temporarily_unavailable if a revocation of the user or client covers
    tokens that are issued in the current second, and OAuthError server_error if the claims of the user cannot be
    computed.
    """
    revocation_second.refuse_user(str(user_grant.user.sub), client, now=request.now)
    tokens = base.issue_access_token(client, user_grants.holder(user_grant), target, request)
    if "openid" not in target.scopes:
        return tokens
    scopes = frozenset(target.scopes)
    context = ClaimsContext(user=user_grant.user, client=client, api=target.api, scopes=scopes, place=Place.ID_TOKEN)
    further = contents.of_id_token(context, user_grant)
    identity = id_token.for_grant(user_grant, tokens.access_token, nonce=nonce, now=request.now, further=further)
    return replace(tokens, id_token=identity)
