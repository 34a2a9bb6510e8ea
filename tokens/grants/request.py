"""A token request as the grants see it: its parameters by name, how the client proves itself, and the clock."""

from dataclasses import dataclass, field
from datetime import datetime

from tokens import parameters
from tokens.errors import OAuthError
from tokens.parameters import REPEATABLE, Pairs


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request of the token endpoint; its parameters are declared ones and stand once (`resource` apart)."""

    pairs: Pairs = field(repr=False)
    authorization: str | None = field(repr=False)
    now: datetime
    """The database's clock when the request came, the same on every node."""
    registry: str | None = None
    """The registry's version, where it was asked for already."""

    @property
    def form(self) -> dict[str, str]:
        """The parameters by name."""
        return dict(self.pairs)

    @property
    def grant_type(self) -> str | None:
        """Which grant is used."""
        return self.form.get("grant_type")

    @property
    def scopes(self) -> list[str]:
        """Return the requested scopes; empty if the client names none. Raises OAuthError invalid_scope."""
        return parameters.scopes(self.form.get("scope"))

    @property
    def resources(self) -> list[str]:
        """The resources named (RFC 8707 section 2)."""
        return [value for name, value in self.pairs if name == REPEATABLE]

    def required(self, name: str) -> str:
        """The parameter's value; raises OAuthError invalid_request where it is missing."""
        if name not in self.form:
            raise OAuthError("invalid_request", f"Missing {name} parameter.")
        return self.form[name]
