"""What has been taken back before its time: keys, tokens, grants, and everything issued before an instant. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Denials:
    """A small set in memory. `issued_before` values are Unix seconds: a token with an earlier `iat` is denied."""

    kids: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    subjects: Mapping[str, float] = field(default_factory=dict)
    clients: Mapping[str, float] = field(default_factory=dict)
    pairs: Mapping[str, float] = field(default_factory=dict)
    """By client and subject, a blank between them."""
    hook: Callable[[str, Mapping[str, Any]], bool] | None = None
    """An API's own say: (kid, verified claims) -> whether to deny."""

    def cover(self, kid: str, claims: Mapping[str, Any]) -> str:
        """The name of what is denied about a token, or "" when nothing is. `claims` are verified ones."""
        if kid in self.kids:
            return "kid"
        if claims["jti"] in self.tokens:
            return "jti"
        if claims.get("grant_id") in self.grants:
            return "grant_id"
        if claims["iat"] < self.subjects.get(claims["sub"], claims["iat"]):
            return "sub"
        if any(claims["iat"] < self.clients.get(client, claims["iat"]) for client in _clients(claims)):
            return "client_id"
        pairs = (f"{client} {claims['sub']}" for client in _clients(claims))
        if self.pairs and any(claims["iat"] < self.pairs.get(pair, claims["iat"]) for pair in pairs):
            return "client_id"
        return "hook" if self.hook and self.hook(kid, claims) else ""

    def union(self, other: "Denials") -> "Denials":
        """What either denies; instants and hook are those of self, where both have one."""
        return Denials(
            self.kids | other.kids,
            self.tokens | other.tokens,
            self.grants | other.grants,
            {**other.subjects, **self.subjects},
            {**other.clients, **self.clients},
            {**other.pairs, **self.pairs},
            self.hook or other.hook,
        )


def _clients(claims: Mapping[str, Any]) -> Iterator[str]:
    """The client that has the token, and those that it came through (`act`, RFC 8693 section 4.1)."""
    yield claims["client_id"]
    act = claims.get("act")
    while isinstance(act, Mapping):
        if isinstance(act.get("sub"), str):
            yield act["sub"]
        act = act.get("act")


NOTHING = Denials()
