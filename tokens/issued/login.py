"""The login that a token reports as auth_time, acr and amr (OpenID Connect Core section 2)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Login:
    """One login: its instant, its authentication context class, and its methods (OpenID Connect Core section 2)."""

    at: datetime
    acr: str
    amr: tuple[str, ...]
    made_for: str = ""
    """The mark of the authorization request that required the login (tokens.authorize.reauthentication), or ""."""
    sid: str = ""
    """The claim `sid` of ID tokens, which names the login session (Back-Channel Logout 1.0 section 2.1), or ""."""

    def claims(self) -> dict[str, object]:
        """Return auth_time, and acr and amr if they are known."""
        claims: dict[str, object] = {"auth_time": int(self.at.timestamp())}
        if self.acr:
            claims["acr"] = self.acr
        if self.amr:
            claims["amr"] = list(self.amr)
        return claims
