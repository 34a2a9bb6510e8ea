"""Why a verified token is refused all the same: entries of the revocation feed, and this API's own settings. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resources import revocation_key
from resources.revocation_set import EMPTY, RevocationSet


@dataclass(frozen=True, slots=True)
class Refusals:
    """One state of them, swapped as a whole."""

    entries: RevocationSet = EMPTY
    kids: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    """Kids and `jti` that this API's settings refuse."""
    hook: Callable[[str, Mapping[str, Any]], bool] | None = None
    """A function of this API: (kid, verified claims) -> True to refuse the token."""

    def reason(self, kid: str, claims: Mapping[str, Any]) -> str:
        """Return the claim by which a token with these verified claims is refused, "hook", or "" if it is not."""
        if kid in self.kids:
            return "kid"
        if claims["jti"] in self.tokens:
            return "jti"
        if self.entries.count and (found := self._revoked(kid, claims)):
            return found
        return "hook" if self.hook and self.hook(kid, claims) else ""

    def _revoked(self, kid: str, claims: Mapping[str, Any]) -> str:
        entries, iat = self.entries, claims["iat"]
        for name, key in revocation_key.exact(kid, claims):
            if entries.covers(key, iat):
                return name
        if iat < entries.last_instant:  # else every entry with an instant is about earlier tokens
            for name, key in revocation_key.coarse(claims):
                if entries.covers(key, iat):
                    return name
        return ""


NONE = Refusals()
