"""Refuses verified tokens by entries of the revocation feed and by this API's own settings. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resources import revocation_key
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
        if covers(revocation_key.signing_key(kid), iat):
            return "kid"
        if covers(revocation_key.token(claims["jti"]), iat):
            return "jti"
        if "grant_id" in claims and covers(revocation_key.grant(claims["grant_id"]), iat):
            return "grant_id"
        # Every entry with an instant is about earlier tokens.
        return self._revoked_by_instant(claims, iat) if iat < self.entries.last_instant else ""

    def _revoked_by_instant(self, claims: Mapping[str, Any], iat: float) -> str:
        covers, subject, client = self.entries.covers, claims["sub"], claims["client_id"]
        if covers(revocation_key.user(subject), iat):
            return "sub"
        if covers(revocation_key.issuer(claims["iss"]), iat):
            return "iss"
        if covers(revocation_key.client(client), iat) or covers(revocation_key.client_user(client, subject), iat):
            return "client_id"
        for actor in revocation_key.actors(claims) if "act" in claims else ():
            if covers(revocation_key.client(actor), iat) or covers(revocation_key.client_user(actor, subject), iat):
                return "client_id"
        return ""


NONE = Refusals()
