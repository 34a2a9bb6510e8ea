"""The keys under which the revocation feed lists entries, and the keys that a token has. Pure.

docs/revocation-feed.md section 1 is the rule. The issuer has an implementation of its own; tests/revocation_cases.json
drives both.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any

LENGTH = 16  # bytes of SHA-256
REMEMBERED = 8192
"""Keys that are kept of each kind, about 250 bytes each: a token, its user and its client are seen again and again."""


def key(kind: str, identifier: str) -> bytes:
    """Return the key of an entry: the first 16 bytes of SHA-256 over kind, a zero byte and identifier."""
    return sha256(f"{kind}\0{identifier}".encode("utf-8", "surrogatepass")).digest()[:LENGTH]


def _of_kind(kind: str) -> Callable[[str], bytes]:
    # A cache of one argument looks a string up as it is; one of two would make a tuple first.
    return lru_cache(maxsize=REMEMBERED)(partial(key, kind))


signing_key = _of_kind("kid")
token = _of_kind("jti")
grant = _of_kind("grant")
issuer = _of_kind("iss")
user = _of_kind("sub")
client = _of_kind("client")


@lru_cache(maxsize=REMEMBERED)
def client_user(client_id: str, subject: str) -> bytes:
    """Return the key of what one client has for one user."""
    return key("client_sub", f"{client_id}\0{subject}")


def actors(claims: Mapping[str, Any]) -> Iterator[str]:
    """Yield the clients that the token came through (`act`, RFC 8693 section 4.1)."""
    act = claims.get("act")
    while isinstance(act, Mapping):
        if isinstance(act.get("sub"), str):
            yield act["sub"]
        act = act.get("act")
