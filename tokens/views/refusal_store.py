"""Stores refusals in the shared cache, so that any process can recognize a client's second try.

- In a second try, a client repeats a refused request with its secret in the body instead of the header
  (`clients.second_try`).
- An entry can be taken once. If several requests read it at the same time, one of them gets it.
- The circuit breaker of the cache applies (tokens/limits/cache_circuit.py). If the cache does not answer, the second
  try is counted and processed like any other request.
- The rate limit bounds the number of entries.
"""

from contextlib import suppress
from datetime import datetime

from django.core.cache import BaseCache
from django.http import HttpRequest

from tokens import parameters
from tokens.clients import second_try
from tokens.clients.authentication import Credentials
from tokens.clients.second_try import FirstRefusal
from tokens.errors import OAuthError
from tokens.limits import cache_circuit, rate_limit
from tokens.limits.cache_circuit import NotCounted

KEPT = 4  # seconds for which the cache keeps an entry, more than WINDOW because caches count in whole seconds


def remember(
    request: HttpRequest, credentials: Credentials, error: OAuthError, endpoint: str, *, now: datetime
) -> None:
    """Store the refusal `error` of the request, if a second try can follow. `endpoint` is the endpoint's name.

    Does nothing if the cache does not answer.
    """
    if not second_try.can_follow(credentials, error, has_proof="HTTP_DPOP" in request.META):
        return
    if (key := _key(request, credentials, endpoint)) is None:
        return
    with suppress(NotCounted):
        keep(key, second_try.entry(error, now=now), KEPT, now=now)


def first(request: HttpRequest, credentials: Credentials, endpoint: str, *, now: datetime) -> FirstRefusal | None:
    """Return the stored refusal of the first request if `request` is a second try. Delete the stored refusal.

    Returns None if `request` is not a second try, or if the cache does not answer.
    """
    if not second_try.is_possible(credentials) or (key := _key(request, credentials, endpoint)) is None:
        return None
    try:
        return second_try.read(take(key, now=now), now=now)
    except NotCounted:
        return None


def keep(key: str, value: object, seconds: int, *, now: datetime) -> None:
    """Store `value` in the shared cache, as the entry `key`, for `seconds`. Raises NotCounted if the cache fails."""
    cache_circuit.ask("default", lambda cache: cache.set(key, value, seconds), now=now)


def take(key: str, *, now: datetime) -> object:
    """Return the value of the entry `key` in the shared cache and delete the entry. Returns None if there is no entry.

    Raises NotCounted if the cache does not answer.
    """

    def take_once(cache: BaseCache) -> object:
        value = cache.get(key)
        # Of several callers that read the value at once, only the caller whose deletion succeeds gets it.
        return value if value is not None and cache.delete(key) else None

    return cache_circuit.ask("default", take_once, now=now)


def _key(request: HttpRequest, credentials: Credentials, endpoint: str) -> str | None:
    """Return the cache key of the request. Returns None if the credentials are malformed or ambiguous."""
    key = second_try.key(
        credentials,
        parameters.sent(request),
        endpoint=endpoint,
        address=rate_limit.address(request),
        proof=request.META.get("HTTP_DPOP", ""),
    )
    return None if key is None else f"second:{key}"
