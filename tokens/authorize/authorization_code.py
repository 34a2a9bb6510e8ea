"""The authorization code: created when a user allows a client, redeemed once for tokens (RFC 6749 section 4.1)."""

from datetime import datetime, timedelta

from django.db import transaction

from tokens.authorize.request import AuthorizationRequest
from tokens.back_channel import session_client
from tokens.issued import one_time, refresh_token, user_grant
from tokens.issued.login import Login
from tokens.models import AuthorizationCode, User

LIFETIME = timedelta(seconds=60)


def create(request: AuthorizationRequest, user: User, login: Login, *, now: datetime) -> str:
    """Create a user grant and an authorization code for it, store the code's digest, and return the code.

    Raises:
        OAuthError: access_denied, if the user is not active.
        SessionEnded: The user's sessions were ended while this request was processed.
    """
    code = one_time.new()
    with transaction.atomic():
        family = refresh_token.family_lifetime(request.client, request.target.scopes)
        new_grant = user_grant.create(
            user,
            request.client,
            request.target,
            login,
            now=now,
            lasts=max(LIFETIME, family),  # the user grant must outlive the code
            refreshes_for=family,
            claims=request.claims.stored(),
        )
        openid = "openid" in request.target.scopes
        session_client.remember(user, request.client, login, openid=openid, now=now)
        AuthorizationCode.objects.create(
            digest=one_time.digest(code),
            grant=new_grant,
            # The token request must repeat the redirect URI if this request contains it (RFC 6749 section 4.1.3).
            redirect_uri=request.redirect_uri if request.names_redirect_uri else "",
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            dpop_jkt=request.dpop_jkt,
            expires_at=now + LIFETIME,
        )
    return code
