"""Refuses to issue a token in the second in which all tokens of its user or client were revoked.

- APIs would refuse such a token: `iat` has whole seconds, so the revocation covers all tokens of its second. The issuer
  answers 503 until the second is over.
- Revocations of a client are read from the cached client, without a query. The client's field `tokens_from` is a Unix
  second: tokens that were issued before it are revoked. After a new revocation, every process reads the client again
  (tokens/clients/registry.py).
- Revocations of a user are read from the database by one statement.
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
    """Refuse to issue a token at `now` if a revocation of all tokens of `client` covers this time.

    Raises OAuthError temporarily_unavailable, with Retry-After.
    """
    _refuse([client.tokens_from], now=now)


def refuse_user(subject: str, client: Client, *, now: datetime) -> None:
    """Refuse to issue a user's token at `now` if a revocation of the user's or client's tokens covers this time.

    `subject` is the user's `sub`. Raises OAuthError temporarily_unavailable, with Retry-After.
    """
    # No jti, kid or grant_id: only coarse records can cover a token that does not exist yet.
    claims = {"iss": conf.issuer().url, "jti": "", "sub": subject, "client_id": client.client_id}
    _refuse([revocation_record.latest_instant(claims)], now=now)


def _refuse(ends: list[int], *, now: datetime) -> None:
    """Raise OAuthError temporarily_unavailable, with Retry-After, if `now` is before the latest of `ends`.

    `ends` are Unix seconds. A revocation covers the tokens that are issued before such a second.
    """
    wait = max(ends, default=0) - int(now.timestamp())
    if wait > 0:
        raise Unavailable(REASON, retry_after=wait)
