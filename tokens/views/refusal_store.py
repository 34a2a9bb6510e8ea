"""Stores refusals for `second_try` in the shared cache, because the second try can reach another process.

- An entry can be taken once. If several requests read it at the same time, one of them gets it.
- The circuit breaker of the cache applies (tokens/limits/cache_circuit.py).
"""

from datetime import datetime

from django.core.cache import BaseCache

from tokens.limits import cache_circuit


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
