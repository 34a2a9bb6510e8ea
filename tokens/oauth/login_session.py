"""When and how the user of this browser session logged in: what tokens say as auth_time, acr and amr."""

from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

# Our authentication records by what RFC 8176 calls them.
METHODS = {"password": "pwd", "totp": "otp", "recovery_codes": "otp", "webauthn": "hwk"}

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

    def claims(self) -> dict[str, object]:
        """auth_time, acr and amr; what is not known is left out."""
        claims: dict[str, object] = {"auth_time": int(self.at.timestamp())}
        if self.acr:
            claims["acr"] = self.acr
        if self.amr:
            claims["amr"] = list(self.amr)
        return claims


def current(request: HttpRequest) -> Login | None:
    """The login of this session, or None where nobody logged in through the login page: the user has to, again."""
    if not request.user.is_authenticated:
        return None
    records = get_authentication_records(request, request.user)
    if not records:
        return None
    methods = dict.fromkeys(METHODS.get(record.get("type") or record["method"], "") for record in records)
    amr = tuple(method for method in methods if method)
    at = datetime.fromtimestamp(max(record["at"] for record in records), UTC)
    return Login(
        at=max(filter(None, (at, request.user.logged_out_at))),  # a session that counts began after that
        acr=MULTI_FACTOR if len(amr) > 1 else PASSWORD if amr else "",
        amr=(*amr, "mfa") if len(amr) > 1 else amr,
    )
