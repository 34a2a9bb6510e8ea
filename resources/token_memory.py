"""Remembers verified tokens for a minute, so that a repeated token needs no signature check.

- An entry means that `verify` accepted the token: the key verified the signature, and the claims are well-formed and
  name this issuer and this API.
- Properties that can change are checked for each request: the times, the binding to a DPoP key, the revocations, and
  that the issuer still publishes the key. So a token is refused as soon as it expires, is revoked, or its key is
  removed.
- An entry is valid for LASTS, and only while the settings with which it was verified are in force.
- An entry is found by the SHA-256 of the token. The token itself is not stored. Refused tokens are not remembered.
- At most 2 * SIZE entries are stored, in two dictionaries. If the newer one is full, the older one is discarded.

Pure, apart from its state.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from .dpop.confirmation import check_binding
from .errors import InvalidToken, Reason
from .issuer_trust import TrustedIssuer
from .jose.compact_jws import decoded, header, segments
from .jose.jwk import Key
from .principal import AccessToken
from .verify import check_times, verify

LASTS = timedelta(seconds=60)
SIZE = 1024  # tokens, of about 2 KB each


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The requirements that a token must satisfy: the arguments of `verify` with the same names."""

    issuers: Mapping[str, TrustedIssuer]
    audience: frozenset[str]
    types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A remembered result: `verify` accepted a token at the time `since`. It does not contain the token."""

    claims: Mapping[str, Any]
    kid: str
    scopes: frozenset[str]
    issuer: TrustedIssuer
    algorithm: str
    key: Key
    expected: Expected
    since: datetime

    def holds(self, expected: Expected, *, now: datetime) -> bool:
        """Return True if the entry is recent, was verified for the same `expected`, and its key is still published.

        Raises Unavailable if the issuer's keys are not known now.
        """
        if not self.since <= now < self.since + LASTS:
            return False
        same = (self.expected.audience, self.expected.types) == (expected.audience, expected.types)
        if not same or expected.issuers.get(self.issuer.url) is not self.issuer:
            return False
        # Compared by identity: if keys changed and were fetched again, the token is verified again.
        return any(key is self.key for key in self.issuer.keys.find(self.kid, self.algorithm))

    def token(self, text: str, *, now: datetime, with_proof: bool) -> AccessToken:
        """Check the binding, the times and the revocations again, and return the token. Raises what `verify` raises.

        These are the checks of `verify` whose result can change. `text` is the token as the client sent it.
        """
        check_binding(self.claims, with_proof=with_proof)
        check_times(self.claims, now.timestamp())
        claims = _copied(self.claims)  # the function DENY of the deployment gets the claims, and could change them
        if revoked := self.issuer.refusals(now).reason(self.kid, claims):
            raise InvalidToken(Reason.REVOKED, revoked)
        return AccessToken(MappingProxyType(claims), self.kid, self.scopes, text)


class TokenMemory:
    """The verified tokens that one process remembers.

    Threads share the entries without a lock. If a concurrent change loses an entry, its token is verified again.
    """

    def __init__(self, *, size: int = SIZE) -> None:
        self._size = size
        self._recent: dict[bytes, _Entry] = {}
        self._older: dict[bytes, _Entry] = {}

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def verified(self, text: str, expected: Expected, *, now: datetime, with_proof: bool = False) -> AccessToken:
        """Return the verified token in `text`. Calls `verify` only if no valid result is remembered.

        `text` is the token as the client sent it. `with_proof` is True if the request has a DPoP proof. Raises what
        `verify` raises.
        """
        digest = sha256(text.encode("utf-8", "surrogatepass")).digest()
        entry = self._recent.get(digest) or self._older.get(digest)
        if entry is not None and entry.holds(expected, now=now):
            return entry.token(text, now=now, with_proof=with_proof)
        issuers, audience, types = expected.issuers, expected.audience, expected.types
        token = verify(text, issuers=issuers, audience=audience, now=now, types=types, with_proof=with_proof)
        if (established := _established(token, expected, now=now)) is not None:
            self._keep(digest, established)
        return token

    def forget(self) -> None:
        """Remove all entries. Call this method after a change of the settings."""
        # Entries keep the trusted issuers from before the change, and the threads of their feeds, alive.
        self._recent, self._older = {}, {}

    def _keep(self, digest: bytes, entry: _Entry) -> None:
        if len(self._recent) >= self._size:
            self._older, self._recent = self._recent, {}
        self._recent[digest] = entry


def _established(token: AccessToken, expected: Expected, *, now: datetime) -> _Entry | None:
    """Return the entry to store for a token that `verify` accepted.

    The issuer's keys can have been fetched again after `verify`. Returns None if none of the new keys verifies the
    token. Raises Unavailable if the keys are not known now.
    """
    head, _, signature = segments(token.raw)
    algorithm = header(head, types=expected.types)[1]
    issuer = expected.issuers[token.claims["iss"]]
    message = token.raw.rpartition(".")[0].encode("ascii")
    for key in issuer.keys.find(token.kid, algorithm):
        if key.verifies(algorithm, message, decoded(signature)):
            return _Entry(
                claims=_copied(token.claims),
                kid=token.kid,
                scopes=token.scopes,
                issuer=issuer,
                algorithm=algorithm,
                key=key,
                expected=expected,
                since=now,
            )
    return None


def _copied(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of the claims. A view that changes the copy does not change the entry."""
    return {name: deepcopy(value) if isinstance(value, list | dict) else value for name, value in claims.items()}
