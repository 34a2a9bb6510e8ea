"""Revokes a token at the request of the client that it was issued to (RFC 7009).

- A refresh token is revoked together with its user grant and every token under the grant (section 2.1).
- A token of another client is refused (section 2.1).
- An invalid or unknown token is not an error, because the client cannot do anything about it (section 2.2).
"""

from datetime import datetime

from django.db import transaction

from tokens.audit import trail
from tokens.errors import OAuthError
from tokens.issued import refresh_text, refresh_token, revocation_record, token_reader
from tokens.issued import user_grant as user_grants
from tokens.issued.token_reader import InvalidPresentedToken
from tokens.models import Client

PARAMETERS = frozenset({"token", "token_type_hint"})


def revoke(text: str, client: Client, *, now: datetime) -> None:
    """Revoke the token `text`. Does nothing if the token is invalid or unknown.

    Raises OAuthError invalid_grant if the token was issued to another client, and NotReady if the keys cannot be read.
    """
    if refresh_text.can_be(text):
        _revoke_grant(text, client, now=now)
    else:
        _revoke_access_token(text, client, now=now)


@transaction.atomic
def _revoke_grant(text: str, client: Client, *, now: datetime) -> None:
    """Revoke the user grant of the refresh token `text`. Does nothing if there is no such refresh token.

    Raises OAuthError invalid_grant if the token was issued to another client.
    """
    if user_grant := refresh_token.grant_of(text):
        _require_own(user_grant.client.client_id, client)
        user_grants.revoke(user_grant, "revoked by its client", now=now)
        _log("grant.revoked", f"grant:{user_grant.pk}", client, now=now)


def _revoke_access_token(text: str, client: Client, *, now: datetime) -> None:
    """Revoke the access token `text`. Does nothing if the text is not a valid token of this issuer.

    Raises OAuthError invalid_grant if the token was issued to another client.
    """
    # An API whose clock is slow accepts the token for some time after `exp`. So it can be revoked for that time, too.
    acceptance = revocation_record.acceptance_after_expiry()
    try:
        token = token_reader.read(text, now=now, leeway=acceptance)
    except InvalidPresentedToken:
        return
    _require_own(token.client_id, client)
    revocation_record.revoke_token(token.token_id, expires_at=token.expires_at, acceptance=acceptance)
    _log("token.revoked", f"token:{token.token_id}", client, now=now)


def _log(action: str, subject: str, client: Client, *, now: datetime) -> None:
    trail.log(action, actor=f"client:{client.client_id}", subject=subject, now=now)


def _require_own(issued_to: str, client: Client) -> None:
    """Raise OAuthError invalid_grant unless `issued_to` is the client_id of `client`."""
    if issued_to != client.client_id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")
