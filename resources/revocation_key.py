"""The keys of entries of the revocation feed, by docs/revocation-feed.md section 1. Pure.

The issuer has an implementation of its own; tests/revocation_cases.json drives both.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

LENGTH = 16  # bytes of SHA-256


def key(kind: str, identifier: str) -> bytes:
    """Return the key of an entry: the first 16 bytes of SHA-256 over the kind, a zero byte and the identifier."""
    state = hash_of_kind(kind)
    state.update(octets(identifier))
    return state.digest()[:LENGTH]


def hash_of_kind(kind: str) -> "hashlib._Hash":
    """Return a SHA-256 that has read the kind and the zero byte."""
    # To copy it for each identifier costs less than to read the kind again.
    return hashlib.sha256(f"{kind}\0".encode())


def octets(identifier: str) -> bytes:
    """Return the identifier in UTF-8."""
    # A JSON string can contain half of a surrogate pair, which strict UTF-8 cannot encode.
    return identifier.encode("utf-8", "surrogatepass")


def actors(claims: Mapping[str, Any]) -> Iterator[str]:
    """Yield the `sub` of each actor in the token's `act` chain (RFC 8693 section 4.1)."""
    act = claims.get("act")
    while isinstance(act, Mapping):
        if isinstance(act.get("sub"), str):
            yield act["sub"]
        act = act.get("act")
