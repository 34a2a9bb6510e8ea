"""Check the Redis of rate-limit counters: it answers and does not evict (tag `cache`).

- Eviction resets a counter, and so lifts a limit on password guesses or token requests.
- The check needs a connection to Redis. Like checks of the database, it runs only if the caller of the system checks
  passes `databases`, as `serve` does.
"""

from collections.abc import Sequence
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 (Django's name)

VARIABLES = {"guesses": "LOGIN_CACHE_URL, or CACHE_URL", "default": "CACHE_URL"}
EVICTION = {
    "guesses": "an evicted login counter admits further password guesses",
    "default": "an evicted counter admits further token requests",
}
OUTAGE = {"guesses": "until it does, logins are refused", "default": "until it does, token requests are not counted"}


@register("cache")
def check_caches(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn if a Redis evicts keys (W601), does not answer (W602), or hides its eviction policy (W603)."""
    if not databases:
        return []
    return [message for alias in VARIABLES if (message := _check(alias)) is not None]


def _check(alias: str) -> CheckMessage | None:
    """Return a warning about the Redis of the cache `alias`.

    Returns None if this Redis evicts nothing, or if the cache is not a Redis.
    """
    backend = caches[alias]
    if not isinstance(backend, RedisCache):
        return None
    try:
        memory = _memory(backend)
    except Exception as error:  # noqa: BLE001 (Redis clients have exception classes of their own)
        return _unknown(alias, error)
    policy, limit = str(memory.get("maxmemory_policy", "")), int(memory.get("maxmemory", 0))
    if not limit or policy in {"noeviction", ""}:
        return None
    return Warning(
        f"The Redis of {VARIABLES[alias]} evicts (maxmemory-policy {policy}): {EVICTION[alias]}.",
        hint="Use a Redis with maxmemory-policy noeviction. LOGIN_CACHE_URL can name a separate Redis for logins.",
        id="tokens.W601",
    )


def _unknown(alias: str, error: Exception) -> CheckMessage:
    """Return the warning for a Redis that refuses the command INFO or does not answer."""
    if type(error).__name__ in {"NoPermissionError", "ResponseError"}:
        hint = "Allow the command INFO to the issuer's Redis user, or make sure that the policy is noeviction."
        message = f"The Redis of {VARIABLES[alias]} hides its maxmemory-policy."
        return Warning(message, hint=hint, id="tokens.W603")
    message = f"The Redis of {VARIABLES[alias]} does not answer ({type(error).__name__}): {OUTAGE[alias]}."
    return Warning(message, hint="Check the address, the password and the server.", id="tokens.W602")


def _memory(backend: RedisCache) -> dict[str, Any]:
    """Return the memory statistics of Redis."""
    # `INFO memory`, because `CONFIG GET` is often forbidden.
    memory: dict[str, Any] = backend._cache.get_client().info("memory")  # noqa: SLF001 (Django has no public way)
    return memory
