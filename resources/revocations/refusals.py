"""The reasons to refuse a verified token: the feed revokes it, or this API's settings refuse it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .revocation_lookup import Lookup
from .revocation_set import EMPTY, RevocationSet


@dataclass(frozen=True, slots=True)
class Refusals:
    """The reasons to refuse a verified token: the revocations, and the settings of this API.

    Immutable, so that a poll of the revocation feed changes nothing while a token is checked.
    """

    entries: RevocationSet = EMPTY
    kids: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    """`kids` and `tokens` are the kids and the `jti` that this API's settings refuse."""
    hook: Callable[[str, Mapping[str, Any]], bool] | None = None
    """A function (kid, verified claims) from this API's settings. It returns True to refuse the token."""
    _lookup: Lookup = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lookup", Lookup(self.entries))  # as a frozen dataclass sets its fields

    def reason(self, kid: str, claims: Mapping[str, Any]) -> str:
        """Return the reason to refuse a token with these verified claims, or "" if there is none.

        The reason is "kid" or the name of a claim, or "hook" if the function `hook` refuses the token.
        """
        if kid in self.kids:
            return "kid"
        if claims["jti"] in self.tokens:
            return "jti"
        if self.entries.count and (claim := self._lookup.revoked(kid, claims)):
            return claim
        return "hook" if self.hook and self.hook(kid, claims) else ""


NONE = Refusals()
