"""Refuses verified tokens by entries of the revocation feed and by this API's own settings. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resources.revocation_key import clients, key
from resources.revocation_set import EMPTY, RevocationSet


@dataclass(frozen=True, slots=True)
class Refusals:
    """All reasons to refuse a verified token. Immutable: replaced as a whole."""

    entries: RevocationSet = EMPTY
    kids: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    """Kids and `jti` that this API's settings refuse."""
    hook: Callable[[str, Mapping[str, Any]], bool] | None = None
    """A function of this API: (kid, verified claims) -> True to refuse the token."""

    def reason(self, kid: str, claims: Mapping[str, Any]) -> str:
        """Return the claim by which a token with these verified claims is refused, "hook", or "" if none."""
        if kid in self.kids:
            return "kid"
        if claims["jti"] in self.tokens:
            return "jti"
        if self.entries.count and (found := self._revoked(kid, claims)):
            return found
        return "hook" if self.hook and self.hook(kid, claims) else ""

    def _revoked(self, kid: str, claims: Mapping[str, Any]) -> str:
        # Written out, because every request runs this and a loop over keys costs three times as much.
        covers, iat = self.entries.covers, claims["iat"]
        if covers(key("kid", kid), iat):
            return "kid"
        if covers(key("jti", claims["jti"]), iat):
            return "jti"
        if "grant_id" in claims and covers(key("grant", claims["grant_id"]), iat):
            return "grant_id"
        if iat >= self.entries.last_instant:  # every entry with an instant is about earlier tokens
            return ""
        subject = claims["sub"]
        if covers(key("sub", subject), iat):
            return "sub"
        if covers(key("iss", claims["iss"]), iat):
            return "iss"
        for client in clients(claims):
            if covers(key("client", client), iat) or covers(key("client_sub", f"{client}\0{subject}"), iat):
                return "client_id"
        return ""


NONE = Refusals()
