"""The look-up of a token in a set of revocations (docs/revocation-feed.md section 1). Pure.

Every request runs this look-up, so it is optimized:
- The identifiers of the token, its grant and its user are hashed for each request. A hash covers the kind of identifier
  (such as `jti`) and then the identifier. The hash object that has read the kind is made once. Each look-up copies the
  object and adds the identifier.
- There are few signing keys, issuers and clients. The results of their look-ups are cached as long as the set exists.
- Entries that revoke many tokens (`sub`, `iss`, `client`, `client_sub`) are looked up only if the token's `iat` is
  before the latest `issued_before` in the set.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .revocation_key import LENGTH, actors, hash_of_kind
from .revocation_set import RevocationSet

REMEMBERED = 1024
"""The most cached identifiers of one kind, about 200 bytes each."""


class Lookup:
    """The look-up of tokens in one set of revocations."""

    __slots__ = ("_client", "_client_user", "_grant", "_issuer", "_key", "_last_instant", "_token", "_user")

    def __init__(self, entries: RevocationSet) -> None:
        self._last_instant = entries.last_instant
        self._token, self._grant = finder("jti", entries), finder("grant", entries)
        self._user, self._client_user = finder("sub", entries), finder("client_sub", entries)
        self._key, self._issuer = CachedFinder(finder("kid", entries)), CachedFinder(finder("iss", entries))
        self._client = CachedFinder(finder("client", entries))

    def revoked(self, kid: str, claims: Mapping[str, Any]) -> str:
        """Return the name of the claim by which a token with these verified claims is revoked.

        Returns "kid" if the signing key of the token is revoked, and "" if the token is not revoked.
        """
        iat = claims["iat"]
        if iat < self._key[kid]:
            return "kid"
        if iat < self._token(claims["jti"]):
            return "jti"
        if "grant_id" in claims and iat < self._grant(claims["grant_id"]):
            return "grant_id"
        if iat >= self._last_instant:  # no coarse entry can cover the token
            return ""
        subject, client = claims["sub"], claims["client_id"]
        if iat < self._user(subject):
            return "sub"
        if iat < self._issuer[claims["iss"]]:
            return "iss"
        if iat < self._client[client] or iat < self._client_user(f"{client}\0{subject}"):
            return "client_id"
        return self._revoked_by_actor(claims, subject, iat) if "act" in claims else ""

    def _revoked_by_actor(self, claims: Mapping[str, Any], subject: str, iat: float) -> str:
        for actor in actors(claims):
            if iat < self._client[actor] or iat < self._client_user(f"{actor}\0{subject}"):
                return "client_id"
        return ""


def finder(kind: str, entries: RevocationSet) -> Callable[[str], float]:
    """Return a function that looks up identifiers of one kind in `entries`.

    `kind` is the kind of the identifiers, such as "jti" or "client".

    The function returns the `issued_before` of the identifier's entry in Unix seconds, 0 if there is no entry, or
    infinity if the entry revokes every token.
    """
    # The function repeats the bit test of `before`: it decides for most identifiers, and every request calls it.
    copy, bits, before = hash_of_kind(kind).copy, tuple(block.bits for block in entries.blocks), entries.before

    def find(identifier: str) -> float:
        state = copy()
        state.update(identifier.encode("utf-8", "surrogatepass"))
        key = state.digest()
        third = key[2]
        if not bits[key[0]][key[1] << 5 | third >> 3] & 1 << (third & 7):
            return 0
        return before(key[:LENGTH])

    return find


class CachedFinder(dict[str, float]):
    """A cache of the results of `find(identifier)`, by identifier. `find` is called for new identifiers only.

    `find` is a function that `finder` made. Its results are `issued_before` times in Unix seconds. At most REMEMBERED
    results are cached.
    """

    def __init__(self, find: Callable[[str], float]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, identifier: str) -> float:
        if len(self) >= REMEMBERED:
            self.clear()
        before = self[identifier] = self._find(identifier)
        return before
