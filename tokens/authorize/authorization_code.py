"""The authorization code: made when a user allows a client, traded once for tokens (RFC 6749 section 4.1)."""

from datetime import datetime, timedelta

from django.db import transaction

from tokens.authorize.request import AuthorizationRequest
from tokens.issued import one_time, refresh_token, user_grant
from tokens.issued.login import Login
from tokens.models import AuthorizationCode, User

LIFETIME = timedelta(seconds=60)


def create(asked: AuthorizationRequest, user: User, login: Login, *, now: datetime) -> str:
    """A code for what `user` allowed; only its hash is kept. Redeemable once, within a minute.

    Raises OAuthError access_denied where the user may not log in any more.
    """
    code = one_time.new()
    with transaction.atomic():
        family = refresh_token.family_lifetime(asked.client, asked.target.scopes)
        lasts = max(LIFETIME, family)
        allowed = user_grant.create(user, asked.client, asked.target, login, now=now, lasts=lasts, refreshes_for=family)
        AuthorizationCode.objects.create(
            digest=one_time.digest(code),
            grant=allowed,
            redirect_uri=asked.redirect_uri if asked.names_redirect_uri else "",
            code_challenge=asked.code_challenge,
            nonce=asked.nonce,
            expires_at=now + LIFETIME,
        )
    return code
