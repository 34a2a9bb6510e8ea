"""A client takes back a token that it was issued (RFC 7009)."""

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
    """Take back the token in `text`; a refresh token takes all that was issued under its grant along (section 2.1).

    What no API can take any more needs no taking back (section 2.2).
    Raises OAuthError invalid_grant for another client's token (section 2.1), NotReady where the keys cannot be read.
    """
    actor = f"client:{client.client_id}"
    if allowed := refresh_token.grant_of(text):
        _require_own(allowed.client.client_id, client)
        user_grant.revoke(allowed, "revoked by its client", now=now)
        trail.log("grant.revoked", actor=actor, subject=f"grant:{allowed.pk}", now=now)
        return
    try:
        token = token_reader.read(text, now=now, leeway=revocation_record.afterlife())
    except InvalidPresentedToken:
        return
    _require_own(token.client_id, client)
    revocation_record.revoke_token(token.token_id, expires_at=token.expires_at)
    trail.log("token.revoked", actor=actor, subject=f"token:{token.token_id}", now=now)


def _require_own(issued_to: str, client: Client) -> None:
    if issued_to != client.client_id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")
