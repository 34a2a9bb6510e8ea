"""The login of a browser session: its time, class and methods, for the claims auth_time, acr, amr and sid.

- A session has the user's session epoch as it was at the login. "Log out everywhere" and a new password change the
  user's epoch, and no login of an earlier epoch counts.
- The time of a login is by the database's clock, because nodes compare it.
- Each session has a random `sid`, which is not the key of its cookie: clients learn it (Back-Channel Logout 1.0 section
  2.1). A user who logs in again in the same browser keeps it, so that the session of no application ends.
"""

import secrets
from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest

from tokens.back_channel import session_end
from tokens.issued.login import Login
from tokens.models import User

METHODS = {"password": "pwd", "totp": "otp", "recovery_codes": "otp", "webauthn": "hwk"}
"""By allauth's name of a method: its name in the claim `amr` (RFC 8176)."""

MADE_FOR = "made_for"
SID = "sid"
EARLIER = "earlier_session"
"""In a session without a user: the user and the `sid` of the session that the browser had before."""
EPOCH = "session_epoch"
"""The user's epoch at this login. A session survives a new password; its login does not."""
PASSWORD = "urn:keyturn:acr:password"  # noqa: S105 (the name of a level)
MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
LEVELS = (PASSWORD,)
"""The authentication context classes that a login can reach. No second factor is offered."""


def begin(request: HttpRequest, user: User, *, made_for: str, now: datetime) -> None:
    """Record a login in the session. `made_for` is the mark of the authorization request that required it, or "".

    `now` is the database's clock.
    """
    request.session[MADE_FOR] = made_for
    request.session[EPOCH] = epoch(user)
    request.session[SID] = _earlier_sid(request, user, now=now) or secrets.token_urlsafe(24)
    for record in get_authentication_records(request, user):
        record["at"] = now.timestamp()  # allauth dated it by the clock of this node
    request.session.modified = True


def leave(request: HttpRequest) -> None:
    """End the session of the browser because a user logs in. Its `sid` goes on if that user is the same.

    Call it before the login. `begin` then tells the clients of the earlier session, unless the session goes on.
    """
    user, sid = request.user, request.session.pop(SID, "")
    logout(request)
    if sid:
        request.session[EARLIER] = [user.pk, sid]


@transaction.atomic
def end(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Tell the clients of this session that it ends. The caller deletes the session in the same transaction."""
    session_end.session_ended(user, sid(request), now=now)


def sid(request: HttpRequest) -> str:
    """Return the `sid` of this session, or "" if it began before Keyturn had one."""
    return str(request.session.get(SID, ""))


def _earlier_sid(request: HttpRequest, user: User, *, now: datetime) -> str:
    """Return the `sid` that goes on in this login, or "". End the earlier session if it was another user's."""
    earlier_user, earlier = request.session.pop(EARLIER, (None, ""))
    if earlier_user == user.pk:
        return "" if session_end.has_ended(earlier) else str(earlier)
    if earlier:
        session_end.session_ended(User(pk=earlier_user), earlier, now=now)
    return ""


def epoch(user: User) -> str:
    """Return the user's session epoch as a session stores it; "" before the first one."""
    return str(user.session_epoch or "")


def current(request: HttpRequest) -> Login | None:
    """Return the login of this session, or None if the user has to log in.

    Returns None if the user did not log in through the login page, or if the user's epoch changed since the login.
    """
    # The session that set a new password goes on, but its login does not: the epoch tells them apart.
    if not request.user.is_authenticated or request.session.get(EPOCH, "") != epoch(request.user):
        return None
    records = get_authentication_records(request, request.user)
    if not records:
        return None
    methods = dict.fromkeys(METHODS.get(record.get("type") or record["method"], "") for record in records)
    amr = tuple(method for method in methods if method)
    return Login(
        at=datetime.fromtimestamp(max(record["at"] for record in records), UTC),
        made_for=request.session.get(MADE_FOR, ""),
        acr=MULTI_FACTOR if len(amr) > 1 else PASSWORD if amr else "",
        amr=(*amr, "mfa") if len(amr) > 1 else amr,
        sid=sid(request),
    )
