"""Lookup keys: hashes by which the entries of the revocation feed are found (docs/revocation-feed.md section 1). Pure.

The lookup key of an entry is computed from what the entry revokes, such as the `jti` of a token.
The issuer has an implementation of its own (`tokens.issued.revocation_key`). tests/revocation_cases.json tests both.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

LENGTH = 16  # bytes of SHA-256


def key(kind: str, identifier: str) -> bytes:
    """Return the lookup key of an entry: the first 16 bytes of SHA-256 over `kind`, a zero byte and `identifier`.

    `kind` says what `identifier` names, for example "jti" (a token) or "client".
    """
    state = hash_of_kind(kind)
    state.update(octets(identifier))
    return state.digest()[:LENGTH]


def hash_of_kind(kind: str) -> "hashlib._Hash":
    """Return a SHA-256 object that has hashed `kind` (such as "jti") and a zero byte.

    The caller copies the object for each identifier, and adds the identifier to the copy. The digest of
    the copy begins with the lookup key (see `key`).
    """
    # Copying this object for each identifier costs less than hashing the kind again.
    return hashlib.sha256(f"{kind}\0".encode())


def octets(identifier: str) -> bytes:
    """Return the identifier as UTF-8 bytes. A lone surrogate is encoded like any other character."""
    # A JSON string can contain half of a surrogate pair, which strict UTF-8 cannot encode.
    return identifier.encode("utf-8", "surrogatepass")


def actors(claims: Mapping[str, Any]) -> Iterator[str]:
    """Yield the `sub` of each actor in the token's `act` chain (RFC 8693 section 4.1)."""
    act = claims.get("act")
    while isinstance(act, Mapping):
        if isinstance(act.get("sub"), str):
            yield act["sub"]
        act = act.get("act")
