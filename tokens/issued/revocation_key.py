"""The keys under which the revocation feed lists entries, and the keys that a token has. Pure.

docs/revocation-feed.md section 1 is the rule. The resource server has its own implementation;
tests/revocation_cases.json drives both.
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
"""Bytes of an entry."""
KEY = 16
"""Bytes of a key. An entry begins with its key."""


def key(kind: str, identifier: str) -> UUID:
    """Return the key of an entry: the first half of the SHA-256 of kind and identifier."""
    # The NUL keeps two pairs of kind and identifier from having the same bytes.
    return UUID(bytes=hashlib.sha256(f"{kind}\0{identifier}".encode("utf-8", "surrogatepass")).digest()[:KEY])


def entry(key: UUID | str, *, until: int, issued_before: int) -> bytes:
    """Return the entry in the feed's binary form. `until` and `issued_before` are Unix seconds."""
    return struct.pack(LAYOUT, UUID(str(key)).bytes, until, issued_before)


def client_user(client_id: str, subject: str) -> str:
    """Return the identifier of a `client_sub` entry, which revokes all tokens of one client for one user."""
    return f"{client_id}\0{subject}"


def keys(claims: Mapping[str, Any], *, kid: str) -> Iterator[UUID]:
    """Yield the keys under which an entry can revoke a token with this `kid` and these verified claims."""
    yield key("iss", claims["iss"])
    yield key("kid", kid)
    yield key("jti", claims["jti"])
    yield key("sub", claims["sub"])
    if "grant_id" in claims:
        yield key("grant", claims["grant_id"])
    # The clients that exchanged the token count too: a revoked client must lose the tokens that others got from it.
    for client in {claims["client_id"], *actor.clients(claims)}:
        yield key("client", client)
        yield key("client_sub", client_user(client, claims["sub"]))
