"""Recognizes a second try: a refused client repeats its request, with the secret in the body instead of the header.

The library golang.org/x/oauth2 sends a second try after every refusal, until one of its requests has succeeded. The
library reports only the second answer.

- If a request with the secret in the header is refused, the refusal is stored for WINDOW, under a keyed hash of
  endpoint, network address, client, secret, DPoP proof and all other parameters. The stored refusal contains no value
  of the request, except a scope that the answer names.
- The same request with the secret in the body, within WINDOW, is the second try. Each first request can have one second
  try.
- A second try is not counted by the rate limit.
- If the first request was refused by an error other than invalid_client, the second try gets the same answer and is not
  processed. So the second try of a device's poll does not count as a poll, and a reused refresh token is refused for
  the same reason again.
- If the error was invalid_client, the second try is processed, because it can succeed: the client can be public, or can
  be registered to send its secret in the body only. The refusal of the second try is logged only if its reason differs.
- If the first request has a DPoP proof, its refusal is not stored: the second request has another proof, which can be
  accepted. If only the second request has a proof, it is not a second try, because the hash includes the proof.

The caller stores the refusals (`views.refusal_store`), and must delete a refusal when it reads it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from tokens.clients.authentication import Credentials, presented
from tokens.errors import OAuthError

WINDOW = timedelta(seconds=2)
"""The longest time from the first refusal to the second try: a round trip to the client and back, with margin."""
SALT = "tokens.clients.second_try"
MOVED = frozenset({"client_id", "client_secret"})
"""The parameters that only one of the two requests has in its body."""


@dataclass(frozen=True, slots=True)
class FirstRefusal:
    """The refusal of a first request, which had the secret in the header. `at` is in seconds since the epoch."""

    error: str
    description: str
    status: int
    reason: str
    at: float

    @property
    def is_final(self) -> bool:
        """Return True if the first request was refused for a reason other than its authentication.

        In this case, a second try cannot succeed.
        """
        return self.error != "invalid_client"

    def again(self) -> OAuthError:
        """Return the error of the first request, as the answer to the second try."""
        return OAuthError(self.error, self.description, status=self.status)

    def is_repeated_by(self, error: OAuthError) -> bool:
        """Return True if `error` has the same error code and reason as this refusal."""
        return (self.error, self.reason) == (error.error, error.reason)


def key(
    credentials: Credentials, parameters: Iterable[tuple[str, str]], *, endpoint: str, address: str, proof: str
) -> str | None:
    """Return the keyed hash under which the refusal of a request is stored. The second try has the same keyed hash.

    `parameters` are those of the body, `endpoint` is a name that no other endpoint uses, `address` is the client's
    network address, and `proof` is the DPoP proof or "". Returns None if the credentials are malformed or ambiguous.
    """
    # The identity is the same whether the secret is in the header or in the body.
    try:
        identity = presented(credentials)
    except OAuthError:  # `authenticate` raises it again with its reason. Such a request has no second try.
        return None
    others = sorted((name, value) for name, value in parameters if name not in MOVED)
    same = [endpoint, address, identity.client_id, identity.secret or "", others, proof]
    return salted_hmac(SALT, json.dumps(same), algorithm="sha256").hexdigest()


def can_follow(credentials: Credentials, error: OAuthError, *, has_proof: bool) -> bool:
    """Return True if a second try can follow. The first request had these credentials, and was refused by `error`."""
    return credentials.has_header and error.status_code < 500 and not has_proof


def is_possible(credentials: Credentials) -> bool:
    """Return True if a request with these credentials can be a second try: it names a client, and only in the body."""
    return not credentials.has_header and bool(credentials.client_id)


def entry(error: OAuthError, *, now: datetime) -> tuple[object, ...]:
    """Return the values to store for the refusal `error`. They are the fields of FirstRefusal."""
    return error.error, error.description, error.status_code, error.reason, now.timestamp()


def read(stored: object, *, now: datetime) -> FirstRefusal | None:
    """Return the refusal whose values are `stored`.

    Returns None if nothing is stored, if the refusal is older than WINDOW, or if another release stored it in another
    format.
    """
    if not isinstance(stored, tuple) or len(stored) != len(fields(FirstRefusal)):
        return None
    refusal = FirstRefusal(*stored)
    return refusal if now.timestamp() - refusal.at <= WINDOW.total_seconds() else None
