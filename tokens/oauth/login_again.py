"""A login that a request wants anew: the instant from which on one counts, signed and carried in the address."""

import hashlib
from datetime import UTC, datetime, timedelta

from django.core import signing

from tokens.oauth.login_session import Login

PARAMETER = "asked_at"
SALT = "tokens.oauth.login_again"
NEW = timedelta(minutes=10)
"""For how long a login is a new one for the request that it was made for."""


def ask(query: str, *, now: datetime) -> str:
    """The request to come back with after a login: the same, and the instant `now`, which belongs to it alone."""
    bare = _without_instant(query)
    return f"{bare}&{PARAMETER}={signing.dumps([_digest(bare), now.timestamp()], salt=SALT)}"


def asked_at(query: str) -> datetime | None:
    """The instant at which the login page was shown for this very request; None where nobody signed one."""
    signed = next((part for part in query.split("&") if _is_instant(part)), "")
    try:
        digest, instant = signing.loads(signed.partition("=")[2], salt=SALT)
    except signing.BadSignature:
        return None
    return datetime.fromtimestamp(instant, UTC) if digest == _digest(_without_instant(query)) else None


def was_made(query: str, login: Login, *, now: datetime) -> bool:
    """Whether `login` is the one that the request wanted: no earlier than it was asked for, and not long ago.

    So neither following the address without a login nor keeping it for a later day stands for one.
    """
    asked = asked_at(query)
    return asked is not None and login.at >= asked and now - login.at <= NEW


def _without_instant(query: str) -> str:
    return "&".join(part for part in query.split("&") if not _is_instant(part))


def _is_instant(part: str) -> bool:
    return part.startswith(f"{PARAMETER}=")


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()
