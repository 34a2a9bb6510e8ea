"""A client takes back a token that it was issued (RFC 7009)."""

from datetime import datetime

from tokens import audit
from tokens.errors import OAuthError
from tokens.models import Client
from tokens.oauth import denial, presented_token
from tokens.oauth.presented_token import InvalidPresentedToken

PARAMETERS = frozenset({"token", "token_type_hint"})


def revoke(text: str, client: Client, *, now: datetime) -> None:
    """Take back the token in `text`. What is no token any more needs no taking back (section 2.2).

    Raises OAuthError invalid_grant for another client's token (section 2.1), NotReady where the keys cannot be read.
    """
    try:
        token = presented_token.read(text, now=now)
    except InvalidPresentedToken:
        return
    if token.client_id != client.client_id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")
    denial.deny_token(token.token_id, expires_at=token.expires_at)
    actor = f"client:{client.client_id}"
    audit.record("token.revoked", actor=actor, subject=f"token:{token.token_id}", now=now)
