"""The authorization code: created when a user allows a client, redeemed once for tokens (RFC 6749 section 4.1)."""

import logging
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from tokens.authorize import consent, request_row
from tokens.authorize.request import AuthorizationRequest
from tokens.back_channel import session_client
from tokens.errors import OAuthError
from tokens.issued import one_time, refresh_token, user_grant
from tokens.issued.login import Login
from tokens.models import AuthorizationCode, Client, User

logger = logging.getLogger(__name__)
LIFETIME = timedelta(seconds=60)


def issue(
    request: AuthorizationRequest,
    user: User,
    login: Login,
    *,
    row: str,
    is_consent: bool,
    answered_at: datetime,
    now: datetime,
) -> str:
    """Create an authorization code as the answer to the request. Returns the code.

    One transaction stores the code, stores the consent if `is_consent` is True, and marks the stored request as
    answered at `answered_at`. `row` is the session key of the stored request (`request_row`), or "" if the request is
    not stored. `is_consent` is True if the user has just allowed the client, and False if the user was not asked.

    Raises:
        OAuthError: access_denied, if the user is not active or the client was deleted; server_error, if the database
            refused the code for another reason.
        SessionEnded: The user's sessions were ended while this request was processed.
        NotStored, AlreadyAnswered: `request_row.mark_answered` refuses the stored request.
    """
    try:
        with transaction.atomic():
            code = create(request, user, login, now=now)
            if is_consent:
                consent.remember(request, user, now=now)
            if row:
                client_id, redirect_uri = request.client.client_id, request.redirect_uri
                request_row.mark_answered(row, client_id=client_id, redirect_uri=redirect_uri, now=answered_at)
    except IntegrityError as error:
        raise _conflict(error, request.client) from error
    return code


def _conflict(error: IntegrityError, client: Client) -> OAuthError:
    """Return the OAuthError for a code that the database refused to store. The transaction is rolled back already."""
    if not Client.objects.filter(pk=client.pk).exists():  # deleted after the request was validated
        return OAuthError("access_denied", "The client is not registered any more.")
    logger.error("The database refused a code of the client %s", client.client_id, exc_info=error)
    return OAuthError("server_error", "The issuer could not store the code.")


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
