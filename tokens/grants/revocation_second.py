"""Refuses to issue a token in the second in which all tokens of its user or client were revoked.

- APIs would refuse such a token: `iat` has whole seconds, so the revocation covers every token that was issued in the
  same second. The issuer answers 503 until the second is over.
- The revocation of a client's tokens is read from the cached client, without a query. The client's field `tokens_from`
  is a Unix second. Tokens that were issued before this second are revoked. After a new revocation, every process reads
  the client again (tokens/clients/registry.py).
- The revocation of a user's tokens is read from the database by one statement.
- For an exchanged token, the user is not checked here. A revocation of the user that covers the new token also covers
  the subject token, which is not newer. The subject token was checked already (token_status.py).
"""

from datetime import datetime

from tokens import conf
from tokens.errors import Unavailable
from tokens.issued import revocation_record
from tokens.models import Client

REASON = "All tokens of this user or client were revoked at this moment. Repeat the request."


def refuse_client(client: Client, *, now: datetime) -> None:
    """Refuse to issue a token if a revocation of all tokens of `client` covers tokens that are issued at `now`.

    Raises OAuthError temporarily_unavailable, with Retry-After.
    """
    _refuse([client.tokens_from], now=now)


def refuse_user(subject: str, client: Client, *, now: datetime) -> None:
    """Refuse to issue a token if a revocation of the user's or client's tokens covers tokens that are issued at `now`.

    `subject` is the user's `sub`. Raises OAuthError temporarily_unavailable, with Retry-After.
    """
    # No jti, kid or grant_id: only coarse records can cover a token that does not exist yet.
    claims = {"iss": conf.issuer().url, "jti": "", "sub": subject, "client_id": client.client_id}
    _refuse([revocation_record.latest_instant(claims)], now=now)


def _refuse(ends: list[int], *, now: datetime) -> None:
    """Raise OAuthError temporarily_unavailable, with Retry-After, if `now` is before the latest of `ends`.

    `ends` are Unix seconds, one for each revocation. A revocation covers the tokens that are issued before its second.
    """
    wait = max(ends, default=0) - int(now.timestamp())
    if wait > 0:
        raise Unavailable(REASON, retry_after=wait)
