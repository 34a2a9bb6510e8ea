"""Tie a new login to the request that wants it: a signed mark is kept with the waiting request and with the login."""

import hashlib
from datetime import datetime, timedelta

from django.core import signing

from tokens.issued.login import Login

PARAMETER = "asked_at"
SALT = "tokens.oauth.login_again"
NEW = timedelta(minutes=10)
"""For how long a login is a new one for the request that it was made for."""


def ask(query: str, *, now: datetime) -> str:
    """The request to come back with after a login: the same, and an instant, signed, that belongs to it alone."""
    bare = _without_instant(query)
    return f"{bare}&{PARAMETER}={signing.dumps([_digest(bare), now.timestamp()], salt=SALT)}"


def asked(query: str) -> str:
    """What asks for a login for this very request; "" where nobody signed it."""
    signed = next((part for part in query.split("&") if _is_instant(part)), "").partition("=")[2]
    try:
        digest, _ = signing.loads(signed, salt=SALT)
    except (signing.BadSignature, ValueError):
        return ""
    return signed if digest == _digest(_without_instant(query)) else ""


def was_made(query: str, login: Login, *, now: datetime) -> bool:
    """Whether `login` is the one that the request wanted: made on the page that it led to, and not long ago.

    So neither following the address without a login nor keeping it for a later day stands for one, and no other login
    does, however new. No clocks of two nodes are compared but for how long ago it was.
    """
    wanted = asked(query)
    return wanted != "" and wanted == login.made_for and now - login.at <= NEW


def _without_instant(query: str) -> str:
    return "&".join(part for part in query.split("&") if not _is_instant(part))


def _is_instant(part: str) -> bool:
    return part.startswith(f"{PARAMETER}=")


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()
