"""Lookup keys of the revocation feed: the key of an entry, and the keys by which a token is looked up. Pure.

docs/revocation-feed.md section 1 defines these keys. The resource server has its own implementation. Both
implementations are tested with the cases in tests/revocation_cases.json.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from tokens.issued import actor

LAYOUT = ">16sII"
"""An entry in the struct module's notation: the key, `until` and `issued_before`, both in Unix seconds."""
ENTRY = struct.calcsize(LAYOUT)
"""The number of bytes of an entry."""
KEY = 16
"""The number of bytes of a key. An entry begins with its key."""


def key(kind: str, identifier: str) -> UUID:
    """Return the lookup key of a revocation: the first half of the SHA-256 of `kind` and `identifier`.

    `kind` is one of `Revocation.Kind`, and says what `identifier` is. For example, the kind `sub` revokes the tokens of
    a user, and the identifier is the `sub` of this user.
    """
    # The NUL keeps two pairs of kind and identifier from having the same bytes.
    return UUID(bytes=hashlib.sha256(f"{kind}\0{identifier}".encode("utf-8", "surrogatepass")).digest()[:KEY])


def entry(key: UUID | str, *, until: int, issued_before: int) -> bytes:
    """Return an entry of the revocation feed in its binary form (LAYOUT).

    `key` is the lookup key, as a UUID or its text. `until` and `issued_before` are Unix seconds.
    """
    return struct.pack(LAYOUT, UUID(str(key)).bytes, until, issued_before)


def client_user(client_id: str, subject: str) -> str:
    """Return the identifier for a revocation of the tokens of one client for one user (kind `client_sub`)."""
    return f"{client_id}\0{subject}"


def keys(claims: Mapping[str, Any], *, kid: str) -> Iterator[UUID]:
    """Yield the lookup keys of a token. An entry of the revocation feed with one of these keys can revoke the token.

    `claims` must be verified. `kid` is that of the token's header.
    """
    yield key("iss", claims["iss"])
    yield key("kid", kid)
    yield key("jti", claims["jti"])
    yield key("sub", claims["sub"])
    if "grant_id" in claims:
        yield key("grant", claims["grant_id"])
    # Also the clients that exchanged the token: a revoked client must lose tokens that others got in exchange.
    for client in {claims["client_id"], *actor.clients(claims)}:
        yield key("client", client)
        yield key("client_sub", client_user(client, claims["sub"]))
