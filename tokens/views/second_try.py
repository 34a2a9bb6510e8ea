"""Recognizes the second request of a client that moves its secret from the header to the body after any refusal.

golang.org/x/oauth2 does that until a request succeeds, and reports only the second answer.

- A refused request that authenticated by the header is remembered for WINDOW. Its cache key is a keyed hash of
  endpoint, address, client, secret, proof and all other parameters. The entry contains none of these, except a scope
  that its answer names.
- The same request with the secret in the body, within WINDOW, is its second try. There is one for each first request.
- A second try is not counted by the rate limit.
- If the first request was refused for something else than its authentication, the second gets the same answer and is
  not processed. So a device that polls twice is not slowed down, and a reused refresh token keeps its reason.
- If authentication failed, the second try is processed, because it can succeed: the client might be public, or pinned
  to the body. The log gets its refusal only if the reason is another one.
- A request with a DPoP proof is not remembered: a second one has another proof, which may be accepted. The proof is
  part of the key, so that a request that adds one is no second try.
- The entries are in the shared cache, so that both requests can reach different processes. The rate limit bounds their
  number. If the cache does not answer, both requests are counted and processed.
"""

import json
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta

from django.http import HttpRequest, JsonResponse
from django.utils.crypto import salted_hmac

from tokens import errors
from tokens.clients.authentication import Credentials, presented
from tokens.errors import OAuthError
from tokens.limits import rate_limit
from tokens.limits.rate_limit import NotCounted

WINDOW = timedelta(seconds=2)
"""How long after the first refusal the second try may come: a round trip to the client and back, with margin."""
KEPT = 4  # seconds that the cache keeps an entry: caches count in whole seconds
SALT = "tokens.views.second_try"
MOVED = frozenset({"client_id", "client_secret"})


@dataclass(frozen=True, slots=True)
class FirstRefusal:
    """The answer to the first request, and its time in seconds since the epoch."""

    error: str
    description: str
    status: int
    reason: str
    at: float

    @property
    def is_final(self) -> bool:
        """Return True if the first request was not refused for its authentication, so that a retry cannot succeed."""
        return self.error != "invalid_client"

    def answer(self) -> JsonResponse:
        """Return the answer of the first request again."""
        return errors.refusal(OAuthError(self.error, self.description, status=self.status))

    def is_repeated_by(self, error: OAuthError) -> bool:
        """Return True if `error` is the same refusal for the same reason, which the log has already."""
        return (self.error, self.reason) == (error.error, error.reason)


def remember(
    request: HttpRequest, credentials: Credentials, error: OAuthError, endpoint: str, *, now: datetime
) -> None:
    """Remember that `endpoint` refused the request, if a second try could follow."""
    if not credentials.has_header or error.status_code >= 500 or "DPoP" in request.headers:
        return
    if (key := _key(request, credentials, endpoint)) is None:
        return
    refusal = FirstRefusal(error.error, error.description, error.status_code, error.reason, now.timestamp())
    with suppress(NotCounted):
        rate_limit.keep(key, astuple(refusal), KEPT, now=now)


def first(request: HttpRequest, credentials: Credentials, endpoint: str, *, now: datetime) -> FirstRefusal | None:
    """Return and forget the earlier refusal if this request is its retry. Returns None if it is not a retry."""
    if credentials.has_header or not credentials.client_id:
        return None
    if (key := _key(request, credentials, endpoint)) is None:
        return None
    try:
        entry = rate_limit.take(key, now=now)
    except NotCounted:
        return None
    # During an upgrade another release can have written the entry.
    refusal = FirstRefusal(*entry) if isinstance(entry, tuple) and len(entry) == len(fields(FirstRefusal)) else None
    return refusal if refusal and now.timestamp() - refusal.at <= WINDOW.total_seconds() else None


def _key(request: HttpRequest, credentials: Credentials, endpoint: str) -> str | None:
    """Return the cache key of the request, or None if the request does not identify a client."""
    # The name is the same if the secret is in the header or in the body.
    try:
        identity = presented(credentials)
    except OAuthError:
        return None
    other_parameters = sorted((name, values) for name, values in request.POST.lists() if name not in MOVED)
    sender = [rate_limit.address(request), identity.client_id, identity.secret or ""]
    same = [endpoint, *sender, other_parameters, request.headers.get("DPoP", "")]
    return f"second:{salted_hmac(SALT, json.dumps(same), algorithm='sha256').hexdigest()}"
