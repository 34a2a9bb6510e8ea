"""Refuses to issue tokens that APIs would refuse, because all tokens of the user or client were revoked in this second.

`iat` has whole seconds, so such a revocation covers tokens until its second is over. The issuer answers 503 until then.

- For a client that acts for itself or passes a token on, no statement is needed. The instants of its revocations and of
  the issuer's are read with the client, and each of them is a new version of the registry (tokens/clients/registry.py).
- An exchanged token is younger than its subject token, which no revocation covers (token_status.py).
- For a user, one statement asks the database.
"""

from datetime import datetime

from tokens import conf
from tokens.errors import Unavailable
from tokens.issued import revocation_record
from tokens.models import Client

REASON = "All tokens of this user or client were revoked at this moment. Ask again."


def refuse_client(client: Client, *, now: datetime) -> None:
    """Raise OAuthError temporarily_unavailable if a token of `client` would not be accepted, dated `now`."""
    _refuse([client.tokens_from], now=now)


def refuse_user(subject: str, client: Client, *, now: datetime) -> None:
    """Raise OAuthError temporarily_unavailable if a token of `client` for the user would not be accepted."""
    url, second = conf.issuer().url, int(now.timestamp())
    claims = {"iss": url, "iat": second, "jti": "", "sub": subject, "client_id": client.client_id}
    _refuse(list(revocation_record.of(claims, kid="").values_list("issued_before", flat=True)), now=now)


def _refuse(ends: list[int], *, now: datetime) -> None:
    """Raise OAuthError temporarily_unavailable if `now` is before one of the Unix seconds `ends`."""
    wait = max(ends, default=0) - int(now.timestamp())
    if wait > 0:
        raise Unavailable(REASON, retry_after=wait)
