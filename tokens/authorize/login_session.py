"""When and how the user of this browser session logged in: what tokens say as auth_time, acr and amr."""

from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from tokens.issued.login import Login
from tokens.models import User

# Our authentication records by what RFC 8176 calls them.
METHODS = {"password": "pwd", "totp": "otp", "recovery_codes": "otp", "webauthn": "hwk"}

MADE_FOR = "made_for"
EPOCH = "session_epoch"
"""The user's epoch at this login. A session survives a new password; its login does not."""
PASSWORD = "urn:keyturn:acr:password"  # noqa: S105 (the name of a level)
MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
LEVELS = (PASSWORD,)
"""What a login here can reach: there is no second factor."""


def begin(request: HttpRequest, user: User, *, made_for: str, now: datetime) -> None:
    """Record in the session what the login was made for, the user's epoch, and `now` (the database's clock)."""
    request.session[MADE_FOR] = made_for
    request.session[EPOCH] = epoch(user)
    for record in get_authentication_records(request, user):  # replaces allauth's date, which is by this node's clock
        record["at"] = now.timestamp()
    request.session.modified = True


def epoch(user: User) -> str:
    """Return the user's session epoch as a session stores it; "" before the first one."""
    return str(user.session_epoch or "")


def current(request: HttpRequest) -> Login | None:
    """Return the login of this session, or None if the user has to log in (again).

    Returns None if the user did not log in through the login page, or if all sessions were ended since. The session
    that set a new password goes on, but its login does not count any more.
    """
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
