"""The keys under which the revocation feed lists entries, and the keys that a token has. Pure.

docs/revocation-feed.md section 1 is the rule. The issuer has an implementation of its own; tests/revocation_cases.json
drives both.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

LENGTH = 16  # bytes of SHA-256


def key(kind: str, identifier: str) -> bytes:
    """Return the key of an entry: the first 16 bytes of SHA-256 over kind, a zero byte and identifier."""
    state = begun(kind)
    state.update(octets(identifier))
    return state.digest()[:LENGTH]


def begun(kind: str) -> "hashlib._Hash":
    """Return the SHA-256 that has read the kind and the zero byte. A copy of it costs less than to begin anew."""
    return hashlib.sha256(f"{kind}\0".encode())


def octets(identifier: str) -> bytes:
    """Return the identifier in UTF-8; JSON can have half of a surrogate pair."""
    return identifier.encode("utf-8", "surrogatepass")


def actors(claims: Mapping[str, Any]) -> Iterator[str]:
    """Yield the clients that the token came through (`act`, RFC 8693 section 4.1)."""
    act = claims.get("act")
    while isinstance(act, Mapping):
        if isinstance(act.get("sub"), str):
            yield act["sub"]
        act = act.get("act")
