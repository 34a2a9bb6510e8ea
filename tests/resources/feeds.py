"""Documents of a revocation feed as an issuer makes them, for tests of APIs that read the feed."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

from resources.revocations.revocation_key import key
from resources.revocations.revocation_set import ENTRY, LAYOUT
from resources.testing import SigningKey, compact

TAG = "AAAAAAAAAAA"


def version(number: int, tag: str = TAG) -> str:
    return f"{number}.{tag}"


def entry(kind: str, identifier: str, *, until: int, before: int = 0) -> bytes:
    return LAYOUT.pack(key(kind, identifier), until, before)


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest(body: bytes) -> str:
    return base64url(hashlib.sha256(body).digest())


def document(
    *entries: bytes,
    signer: SigningKey,
    issuer: str,
    at: int,
    segments: tuple[bytes, ...] = (),
    head: dict[str, Any] | None = None,
    **changes: Any,
) -> bytes:
    """Return a signed document of the feed, made at `at` (Unix seconds).

    `entries` are the packed entries in the document itself. `segments` are the contents of the segments that it names.
    `head` adds or replaces header members, and `changes` add or replace claims. A change to None removes the claim.
    """
    claims = {
        "iss": issuer,
        "iat": at,
        "exp": at + 600,
        "ring": "default",
        "version": version(7),
        "entries": base64url(b"".join(sorted(entries))),
        "segments": [[digest(body), len(body) // ENTRY] for body in segments] or None,
        **changes,
    }
    header = {"typ": "revocation-feed+jwt", "alg": signer.algorithm, "kid": signer.kid, **(head or {})}
    return compact(header, {name: value for name, value in claims.items() if value is not None}, key=signer).encode()
