"""Checks that the caches of counters answer and do not evict (tag `cache`)."""

from collections.abc import Sequence
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 (Django's name)

VARIABLES = {"guesses": "LOGIN_CACHE_URL, or CACHE_URL", "default": "CACHE_URL"}
LOST = {
    "guesses": "an evicted login counter admits further password guesses",
    "default": "an evicted counter admits further token requests",
}
GONE = {"guesses": "until it does, logins are refused", "default": "until it does, token requests are not counted"}


@register("cache")
def check_caches(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return warnings tokens.W601 to W603. Asks Redis only if databases are checked too, as `serve` does."""
    if not databases:
        return []
    return [one for alias in VARIABLES if (one := _check(alias)) is not None]


def _check(alias: str) -> CheckMessage | None:
    backend = caches[alias]
    if not isinstance(backend, RedisCache):
        return None
    try:
        told = _memory(backend)
    except Exception as error:  # noqa: BLE001 (the client's own kinds, whichever it is)
        return _unasked(alias, error)
    policy, limit = str(told.get("maxmemory_policy", "")), int(told.get("maxmemory", 0))
    if not limit or policy in {"noeviction", ""}:
        return None
    return Warning(
        f"The Redis of {VARIABLES[alias]} evicts (maxmemory-policy {policy}): {LOST[alias]}.",
        hint="Use a Redis of the issuer's own with maxmemory-policy noeviction. LOGIN_CACHE_URL names one for logins.",
        id="tokens.W601",
    )


def _unasked(alias: str, error: Exception) -> CheckMessage:
    """Return the warning for a Redis that refused the command, or did not answer."""
    if type(error).__name__ in {"NoPermissionError", "ResponseError"}:
        hint = "Allow the command INFO to the issuer's Redis user, or make sure that the policy is noeviction."
        told = f"The Redis of {VARIABLES[alias]} hides its maxmemory-policy."
        return Warning(told, hint=hint, id="tokens.W603")
    told = f"The Redis of {VARIABLES[alias]} does not answer ({type(error).__name__}): {GONE[alias]}."
    return Warning(told, hint="Check the address, the password and the server.", id="tokens.W602")


def _memory(backend: RedisCache) -> dict[str, Any]:
    """Return Redis's memory statistics. `INFO memory` is often allowed to users who may not `CONFIG GET`."""
    told: dict[str, Any] = backend._cache.get_client().info("memory")  # noqa: SLF001 (Django has no public way)
    return told
