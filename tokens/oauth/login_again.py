"""A login that a request wants anew: when it was asked for and which login there was, signed and in the address."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core import signing

from tokens import conf
from tokens.oauth.login_session import Login

PARAMETER = "asked_at"
SALT = "tokens.oauth.login_again"
NEW = timedelta(minutes=10)
"""For how long a login is a new one for the request that it was made for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """When the login page was shown for a request, and when the login was that did not count (Unix seconds)."""

    at: datetime
    before: float | None


def ask(query: str, login: Login | None, *, now: datetime) -> str:
    """The request to come back with after another login than `login`: the same, with what belongs to it alone."""
    bare = _without_instant(query)
    before = login.at.timestamp() if login else None
    return f"{bare}&{PARAMETER}={signing.dumps([_digest(bare), now.timestamp(), before], salt=SALT)}"


def asked(query: str) -> Asked | None:
    """What the login page was shown for, for this very request; None where nobody signed it."""
    signed = next((part for part in query.split("&") if _is_instant(part)), "")
    try:
        digest, at, before = signing.loads(signed.partition("=")[2], salt=SALT)
    except (signing.BadSignature, ValueError):  # the latter is of an address that an earlier version made
        return None
    return Asked(datetime.fromtimestamp(at, UTC), before) if digest == _digest(_without_instant(query)) else None


def was_made(query: str, login: Login, *, now: datetime) -> bool:
    """Whether `login` is the one that the request wanted: another one than before, made for it, and not long ago.

    So neither following the address without a login nor keeping it for a later day stands for one. The clocks of the
    nodes that asked and logged in may differ by δ: the login that there was is told by its instant, not by its age.
    """
    found = asked(query)
    if found is None or login.at.timestamp() == found.before:
        return False
    return login.at >= found.at - conf.issuer().key_policy.clock_error and now - login.at <= NEW


def _without_instant(query: str) -> str:
    return "&".join(part for part in query.split("&") if not _is_instant(part))


def _is_instant(part: str) -> bool:
    return part.startswith(f"{PARAMETER}=")


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()
