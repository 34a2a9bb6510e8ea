"""The keys under which the revocation feed lists entries, and the keys that a token has. Pure.

docs/revocation-feed.md section 1 is the rule. The issuer has an implementation of its own; tests/revocation_cases.json
drives both.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

LENGTH = 16  # bytes of SHA-256


@lru_cache(maxsize=16_384)  # of about 250 bytes each; requests repeat the same token, user and client
def key(kind: str, identifier: str) -> bytes:
    """Return the key of an entry: the first 16 bytes of SHA-256 over kind, a zero byte and identifier."""
    return hashlib.sha256(f"{kind}\0{identifier}".encode("utf-8", "surrogatepass")).digest()[:LENGTH]


def clients(claims: Mapping[str, Any]) -> Iterator[str]:
    """Yield the client that has the token, and those that it came through (`act`, RFC 8693 section 4.1)."""
    yield claims["client_id"]
    act = claims.get("act")
    while isinstance(act, Mapping):
        if isinstance(act.get("sub"), str):
            yield act["sub"]
        act = act.get("act")
