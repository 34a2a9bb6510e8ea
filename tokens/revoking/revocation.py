"""Revokes a token at the request of the client that it was issued to (RFC 7009).

- Section 2.1: a refresh token is revoked with its user grant, and so with every token under the grant.
- Section 2.1: a token of another client is refused.
- Section 2.2: a token that is invalid already is no error, because the client cannot react to one.
"""

from datetime import datetime

from django.db import transaction

from tokens.audit import trail
from tokens.errors import OAuthError
from tokens.issued import refresh_token, revocation_record, token_reader, user_grant
from tokens.issued.token_reader import InvalidPresentedToken
from tokens.models import Client

PARAMETERS = frozenset({"token", "token_type_hint"})


@transaction.atomic
def revoke(text: str, client: Client, *, now: datetime) -> None:
    """Revoke the token in `text`, if it was issued to `client`.

    Raises OAuthError invalid_grant if it is another client's token, and NotReady if the keys cannot be read.
    """
    # A refresh token is looked up first: it is opaque and has a row. Any other text can only be an access token.
    actor = f"client:{client.client_id}"
    if grant := refresh_token.grant_of(text):
        _require_own(grant.client.client_id, client)
        user_grant.revoke(grant, "revoked by its client", now=now)
        trail.log("grant.revoked", actor=actor, subject=f"grant:{grant.pk}", now=now)
        return
    try:
        # An API whose clock is slow accepts the token after its `exp`, so until then it can still be revoked.
        token = token_reader.read(text, now=now, leeway=revocation_record.acceptance_after_expiry())
    except InvalidPresentedToken:
        return
    _require_own(token.client_id, client)
    revocation_record.revoke_token(token.token_id, expires_at=token.expires_at)
    trail.log("token.revoked", actor=actor, subject=f"token:{token.token_id}", now=now)


def _require_own(issued_to: str, client: Client) -> None:
    """Raise OAuthError invalid_grant unless `client` is the client_id `issued_to`."""
    if issued_to != client.client_id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")
