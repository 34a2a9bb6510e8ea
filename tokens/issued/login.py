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
    """What had asked for it (tokens.authorize.reauthentication), if anything had."""

    def claims(self) -> dict[str, object]:
        """auth_time, acr and amr; what is not known is left out."""
        claims: dict[str, object] = {"auth_time": int(self.at.timestamp())}
        if self.acr:
            claims["acr"] = self.acr
        if self.amr:
            claims["amr"] = list(self.amr)
        return claims
