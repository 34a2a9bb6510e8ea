"""The login of a browser session: its time, class and methods, for the claims auth_time, acr and amr.

- A session has the user's session epoch as it was at the login. "Log out everywhere" and a new password change the
  user's epoch, and no login of an earlier epoch counts.
- The time of a login is by the database's clock, because nodes compare it.
"""

from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from tokens.issued.login import Login
from tokens.models import User

METHODS = {"password": "pwd", "totp": "otp", "recovery_codes": "otp", "webauthn": "hwk"}
"""By allauth's name of a method: its name in the claim `amr` (RFC 8176)."""

MADE_FOR = "made_for"
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
    for record in get_authentication_records(request, user):
        record["at"] = now.timestamp()  # allauth dated it by the clock of this node
    request.session.modified = True


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
    )
