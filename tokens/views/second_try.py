"""Recognizes a second try: a refused client repeats its request, with the secret in the body instead of the header.

The library golang.org/x/oauth2 sends a second try after every refusal, until one of its requests has succeeded. It
reports only the second answer.

- If a request with the secret in the header is refused, the refusal is stored for WINDOW. Its cache key is a keyed hash
  of endpoint, network address, client, secret, DPoP proof and all other parameters. The stored refusal contains no
  value of the request, except a scope that the answer names.
- The same request with the secret in the body, within WINDOW, is the second try. Each first request can have one second
  try.
- A second try is not counted by the rate limit.
- If the first request was refused by an error other than invalid_client, the second try gets the same answer and is not
  processed. So the second try of a device's poll does not count as a poll, and a reused refresh token is refused for
  the same reason again.
- If the error was invalid_client, the second try is processed, because it can succeed: the client can be public, or can
  be registered to send its secret in the body only. The refusal of the second try is logged only if its reason differs.
- If the first request has a DPoP proof, its refusal is not stored: the second request has another proof, which can be
  accepted. If only the second request has a proof, it is not a second try, because the cache key includes the proof.
- The entries are in the shared cache, because the two requests can reach different processes. The rate limit bounds the
  number of entries. If the cache does not answer, both requests are counted and processed.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.http import HttpRequest, JsonResponse
from django.utils.crypto import salted_hmac

from tokens import errors, parameters
from tokens.clients.authentication import Credentials, presented
from tokens.errors import OAuthError
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.views import refusal_store

WINDOW = timedelta(seconds=2)
"""The longest time from the first refusal to the second try: a round trip to the client and back, with margin."""
KEPT = 4  # seconds for which the cache keeps an entry, more than WINDOW because caches count in whole seconds
SALT = "tokens.views.second_try"
MOVED = frozenset({"client_id", "client_secret"})


@dataclass(frozen=True, slots=True)
class FirstRefusal:
    """The refusal of the first request, whose secret was in the header. `at` is its time in seconds since the epoch."""

    error: str
    description: str
    status: int
    reason: str
    at: float

    @property
    def is_final(self) -> bool:
        """Return True if the first request was refused for a reason other than its authentication.

        A second try cannot succeed then.
        """
        return self.error != "invalid_client"

    def answer(self) -> JsonResponse:
        """Return the refusal of the first request as the answer to the second try."""
        return errors.refusal(OAuthError(self.error, self.description, status=self.status))

    def is_repeated_by(self, error: OAuthError) -> bool:
        """Return True if `error` has the same error code and reason as this refusal."""
        return (self.error, self.reason) == (error.error, error.reason)


def remember(
    request: HttpRequest, credentials: Credentials, error: OAuthError, endpoint: str, *, now: datetime
) -> None:
    """Store the refusal `error` of the request for a second try (see the module).

    Stores nothing if the secret was not in the header, if the status is 500 or higher, or if the request has a DPoP
    proof. `endpoint` is a name that no other endpoint uses.
    """
    if not credentials.has_header or error.status_code >= 500 or "HTTP_DPOP" in request.META:
        return
    if (key := _key(request, credentials, endpoint)) is None:
        return
    # The fields of FirstRefusal. `astuple` would copy each of them.
    refusal = (error.error, error.description, error.status_code, error.reason, now.timestamp())
    with suppress(NotCounted):
        refusal_store.keep(key, refusal, KEPT, now=now)


def first(request: HttpRequest, credentials: Credentials, endpoint: str, *, now: datetime) -> FirstRefusal | None:
    """Return the stored refusal of the first request if `request` is its second try (see the module).

    Deletes the stored refusal. Returns None if `request` is not a second try, or if the cache does not answer.
    """
    if credentials.has_header or not credentials.client_id:
        return None
    if (key := _key(request, credentials, endpoint)) is None:
        return None
    try:
        entry = refusal_store.take(key, now=now)
    except NotCounted:
        return None
    # During an upgrade, another release can have written the entry in another format.
    refusal = FirstRefusal(*entry) if isinstance(entry, tuple) and len(entry) == len(fields(FirstRefusal)) else None
    return refusal if refusal and now.timestamp() - refusal.at <= WINDOW.total_seconds() else None


def _key(request: HttpRequest, credentials: Credentials, endpoint: str) -> str | None:
    """Return the cache key of the request. A first request and its second try have the same key.

    Returns None if the credentials are malformed or ambiguous.
    """
    # The identity is the same whether the secret is in the header or in the body.
    try:
        identity = presented(credentials)
    except OAuthError:  # `authenticate` raises it again with its reason. Such a request has no second try.
        return None
    other_parameters = sorted((name, value) for name, value in parameters.sent(request) if name not in MOVED)
    sender = [rate_limit.address(request), identity.client_id, identity.secret or ""]
    same = [endpoint, *sender, other_parameters, request.META.get("HTTP_DPOP", "")]
    return f"second:{salted_hmac(SALT, json.dumps(same), algorithm='sha256').hexdigest()}"
