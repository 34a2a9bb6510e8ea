"""The sessions that the issuer has ended.

A session of this application is a cookie, and the application cannot delete a cookie in another browser. So it
remembers the `sid` of each ended session, and refuses cookies with that `sid`.
"""

from django.conf import settings
from django.core.cache import cache


def add(sid: str) -> None:
    """Remember that the session `sid` has ended, for as long as a cookie of this session can be valid."""
    cache.set(f"ended:{sid}", "yes", settings.SESSION_COOKIE_AGE)


def has(sid: str | None) -> bool:
    """Return True if the issuer has ended the session. `sid` is None if the session began without a `sid`."""
    return sid is not None and cache.get(f"ended:{sid}") is not None
