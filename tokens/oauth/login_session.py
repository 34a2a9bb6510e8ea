"""When and how the user of this browser session logged in: what tokens say as auth_time, acr and amr."""

from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from tokens.models import User

# Our authentication records by what RFC 8176 calls them.
METHODS = {"password": "pwd", "totp": "otp", "recovery_codes": "otp", "webauthn": "hwk"}

MADE_FOR = "made_for"
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


def begin(request: HttpRequest, user: User, *, made_for: str) -> None:
    """Keep what the login of this session was made for, and that it came after the user logged out everywhere.

    The clock of this node may say that it came before (δ); the password that was shown says that it did not.
    """
    request.session[MADE_FOR] = made_for
    if user.logged_out_at is not None:
        for record in get_authentication_records(request, user):
            record["at"] = max(record["at"], user.logged_out_at.timestamp())
        request.session.modified = True


def current(request: HttpRequest) -> Login | None:
    """The login of this session, or None where the user has to log in, again.

    Nobody did through the login page; or it does not count any more, although the session went on with a new password.
    """
    if not request.user.is_authenticated:
        return None
    records = get_authentication_records(request, request.user)
    if not records:
        return None
    methods = dict.fromkeys(METHODS.get(record.get("type") or record["method"], "") for record in records)
    amr = tuple(method for method in methods if method)
    at = datetime.fromtimestamp(max(record["at"] for record in records), UTC)
    if request.user.logged_out_at is not None and at < request.user.logged_out_at:
        return None
    return Login(
        at=at,
        made_for=request.session.get(MADE_FOR, ""),
        acr=MULTI_FACTOR if len(amr) > 1 else PASSWORD if amr else "",
        amr=(*amr, "mfa") if len(amr) > 1 else amr,
    )
