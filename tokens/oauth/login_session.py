"""When and how the user of this browser session logged in: what tokens say as auth_time, acr and amr."""

from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from tokens.models import User

# Our authentication records by what RFC 8176 calls them.
METHODS = {"password": "pwd", "totp": "otp", "recovery_codes": "otp", "webauthn": "hwk"}

MADE_FOR = "made_for"
EPOCH = "session_epoch"
"""Under which epoch of the user this login was made; a session can go on with a new password, its login cannot."""
PASSWORD = "urn:keyturn:acr:password"  # noqa: S105 (the name of a level)
MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
LEVELS = (PASSWORD,)
"""What a login here can reach: there is no second factor."""


@dataclass(frozen=True, slots=True)
class Login:
    """One login: its instant, its authentication context class, and its methods (OpenID Connect Core section 2)."""

    at: datetime
    acr: str
    amr: tuple[str, ...]
    made_for: str = ""
    """What had asked for it (tokens.oauth.login_again), if anything had."""

    def claims(self) -> dict[str, object]:
        """auth_time, acr and amr; what is not known is left out."""
        claims: dict[str, object] = {"auth_time": int(self.at.timestamp())}
        if self.acr:
            claims["acr"] = self.acr
        if self.amr:
            claims["amr"] = list(self.amr)
        return claims


def begin(request: HttpRequest, user: User, *, made_for: str, now: datetime) -> None:
    """Keep what the login of this session was made for, the user's epoch, and `now`, the database's clock."""
    request.session[MADE_FOR] = made_for
    request.session[EPOCH] = epoch(user)
    for record in get_authentication_records(request, user):  # allauth dated it by this node's clock
        record["at"] = now.timestamp()
    request.session.modified = True


def epoch(user: User) -> str:
    """Return the user's session epoch as a session keeps it; "" before the first one."""
    return str(user.session_epoch or "")


def current(request: HttpRequest) -> Login | None:
    """Return the login of this session, or None if the user has to log in (again).

    That is so if nobody logged in through the login page, and if all sessions were ended since: the session that set a
    new password goes on, and its login does not count any more.
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
