"""Split a compact JWS and decode its parts (RFC 7515 section 7.1). Pure.

This module makes checks 2 and 3 in the list of verify.py. It verifies no signature. The caller must verify the
signature before it trusts a claim.
"""

import re
from binascii import a2b_base64
from functools import lru_cache
from typing import Any, TypeGuard

from ..errors import InvalidToken, Reason
from . import strict_json
from .jwk import MAX_KID

MAX_TOKEN = 8 * 1024
MAX_HEADER_PART = -(-1024 * 4 // 3)  # 1 KiB in base64url
END_OF_TIME = 253_402_300_799  # the last second that a datetime can hold

_SEGMENTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
# By the length of a segment modulo 4, the permitted last characters of the segment: those whose unused bits are zero.
_LAST = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}


def segments(token: str, *, longest: int = MAX_TOKEN) -> tuple[str, str, str]:
    """Return the three base64url segments of a compact JWS (RFC 7515 section 7.1).

    Raises InvalidToken if the token has more than `longest` characters, or is not a compact JWS.
    """
    if len(token) > longest:
        raise InvalidToken(Reason.TOO_LONG)
    match = _SEGMENTS.fullmatch(token)
    if match is None:
        raise InvalidToken(Reason.MALFORMED)
    head, payload, signature = match.groups()
    return head, payload, signature


@lru_cache(maxsize=256)  # of at most 1.4 KB each: an issuer's tokens share their header
def header(part: str, *, types: frozenset[str]) -> tuple[str, str]:
    """Return `kid` and `alg` of the JWS header whose base64url text is `part` (RFC 7515 section 4).

    Raises InvalidToken if the header is too long or not JSON, if its type is not in `types`, if it has a critical
    extension, or if `kid` or `alg` is missing.
    """
    if len(part) > MAX_HEADER_PART:
        raise InvalidToken(Reason.TOO_LONG, "header")
    members = json_object(part)
    typ = members.get("typ")
    if not isinstance(typ, str) or typ.lower() not in types:
        raise InvalidToken(Reason.TYPE, "typ")
    if "crit" in members or "b64" in members:
        raise InvalidToken(Reason.CRITICAL, "crit")
    # jwk, jku, x5c and x5u are never read, because a token must not supply the key that verifies it.
    kid, algorithm = members.get("kid"), members.get("alg")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:
        raise InvalidToken(Reason.KEY, "kid")
    if not isinstance(algorithm, str):
        raise InvalidToken(Reason.ALGORITHM, "alg")
    return kid, algorithm


def is_instant(value: object) -> TypeGuard[float]:
    """Return True if `value` is a NumericDate that a datetime can hold (RFC 7519 section 2)."""
    # bool is a subclass of int.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= END_OF_TIME


def json_object(part: str) -> dict[str, Any]:
    """Return the JSON object in a base64url segment. Raises InvalidToken if the segment contains anything else."""
    try:
        value = strict_json.parse(decoded(part))
    except ValueError:
        raise InvalidToken(Reason.MALFORMED) from None
    if not isinstance(value, dict):
        raise InvalidToken(Reason.MALFORMED)
    return value


def decoded(part: str) -> bytes:
    """Return the bytes of a base64url segment. Raises InvalidToken if it is not canonical (RFC 4648 section 3.5)."""
    # If several spellings decoded to the same bytes, one token could be presented in several forms.
    rest = len(part) % 4
    if rest and (rest == 1 or part[-1] not in _LAST[rest]):
        raise InvalidToken(Reason.MALFORMED)
    return a2b_base64(part.encode("ascii").translate(_STANDARD_ALPHABET) + b"===="[: -rest % 4])
