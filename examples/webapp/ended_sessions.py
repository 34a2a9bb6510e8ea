"""The sessions that the issuer ended.

A session of this application is a cookie, which the application cannot delete in another browser. So it remembers the
`sid` of sessions that ended, and refuses cookies that have it.
"""

from django.conf import settings
from django.core.cache import cache


def add(sid: str) -> None:
    """Remember that the session ended, for as long as a cookie of it can be valid."""
    cache.set(f"ended:{sid}", "yes", settings.SESSION_COOKIE_AGE)


def has(sid: str | None) -> bool:
    """Return True if the issuer said that the session ended. `sid` is None for a session that began without one."""
    return sid is not None and cache.get(f"ended:{sid}") is not None
