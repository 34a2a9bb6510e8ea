"""Ties a login to the authorization request that requires a new login.

- `add_mark` adds a signed mark to the query of the request before the user is sent to log in. The mark contains the
  digest of the request and the current time, so it fits no other request, and no client can make it.
- The login page stores this mark with the login.
- A login counts as new for a request if both have the same mark, and the login is at most 10 minutes old (`NEW`).

So a user cannot satisfy the request by opening its URL again without a login. A login for another request does not
count either, even if that login is newer. Clocks are compared only to check the login's age.
"""

import hashlib
from datetime import datetime, timedelta

from django.core import signing

from tokens.issued.login import Login

# Stored with the request for two hours. During a rolling upgrade, nodes of both releases must find the mark by this
# name: a request whose mark is not found leads to the login again and again.
PARAMETER = "asked_at"
# Changing this value invalidates the marks of requests whose user is about to log in.
SALT = "tokens.oauth.login_again"
NEW = timedelta(minutes=10)
"""The longest time for which a login counts as new for the request that required it."""


def add_mark(query: str, *, now: datetime) -> str:
    """Return the request `query` with a new signed mark. The new mark replaces an earlier mark."""
    bare = _without_mark(query)
    return f"{bare}&{PARAMETER}={signing.dumps([_digest(bare), now.timestamp()], salt=SALT)}"


def mark_of(query: str) -> str:
    """Return the signed mark in the request, or "" if the mark is missing or was not signed for this request."""
    mark = next((part for part in query.split("&") if _is_mark(part)), "").partition("=")[2]
    try:
        digest, _ = signing.loads(mark, salt=SALT)
    except (signing.BadSignature, ValueError):
        return ""
    return mark if digest == _digest(_without_mark(query)) else ""


def was_made(query: str, login: Login, *, now: datetime) -> bool:
    """Return True if the user logged in for the request `query`, at most `NEW` (10 minutes) ago.

    The login and `query` must have the same signed mark. Returns False if `query` has no valid mark.
    """
    mark = mark_of(query)
    return mark != "" and mark == login.made_for and now - login.at <= NEW


def _without_mark(query: str) -> str:
    """Return the request `query` without the mark, as its client sent it."""
    return "&".join(part for part in query.split("&") if not _is_mark(part))


def _is_mark(part: str) -> bool:
    """Return True if `part`, which is `name=value`, is the parameter with the mark."""
    return part.startswith(f"{PARAMETER}=")


def _digest(query: str) -> str:
    """Return the SHA-256 of the query, in hexadecimal."""
    return hashlib.sha256(query.encode()).hexdigest()
