"""Refuses to issue tokens that every API would refuse: all that a user or client has was revoked in this very second.

`iat` has whole seconds, so such a revocation covers tokens until its second is over. The issuer answers 503 until then.

- A client that acts for itself, or passes a token on, costs no statement: what was revoked is read with it, and a
  change of a client, or a revocation of all that it has, is a new version of the registry (tokens/oauth/registry.py).
- A token that is passed on is younger than the one that it is made from, which no revocation covers (standing.py).
- For a user, the database is asked.
"""

from datetime import datetime

from tokens import conf
from tokens.errors import Unavailable
from tokens.models import Client
from tokens.oauth import revocation_record

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
