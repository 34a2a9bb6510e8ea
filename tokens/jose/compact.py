"""The compact serialisation of a JWS (RFC 7515 section 3.1): split, decode and parse it, without verifying it. Pure.

1. The text is not longer than the caller allows, and has three parts.
2. Each part is canonical base64url without padding, so that no other text decodes to the same token.
3. Header and payload are JSON objects by strict JSON (RFC 7519 section 7.2).

The caller must check the header, verify the signature over `message`, and only then trust the claims.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from tokens.jose import strict_json

END_OF_TIME = 253_402_300_799
"""The last second that a datetime can hold, in seconds since the epoch."""


class Unreadable(ValueError):
    """The text is not a compact JWS. The message gives the reason, and quotes nothing of the text."""


@dataclass(frozen=True, slots=True)
class Jws:
    """A JWS that was read and not verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes
    """The signing input (RFC 7515 section 5.1)."""
    signature: bytes = field(repr=False)


def read(text: str, *, longest: int) -> Jws:
    """Return the JWS in `text`.

    Raises Unreadable if `text` is no compact JWS, or has more than `longest` characters.
    """
    if len(text) > longest or text.count(".") != 2:
        raise Unreadable("it is no JWT, or too long")
    header, claims, signature = text.split(".")
    message = text.rpartition(".")[0]
    return Jws(json_object(header), json_object(claims), message.encode(), octets(signature))


def octets(part: str) -> bytes:
    """Return the octets that a part of a JWS encodes.

    Raises Unreadable unless the part is canonical base64url without padding (RFC 7515 section 2).
    """
    try:
        decoded = base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("it is no base64url") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise Unreadable("it is not canonical base64url without padding")
    return decoded


def json_object(part: str) -> dict[str, Any]:
    """Return the JSON object that a part of a JWS encodes (RFC 7519 section 7.2).

    Raises Unreadable if the part encodes no JSON object.
    """
    try:
        value = strict_json.parse(octets(part).decode())
    except UnicodeDecodeError:
        raise Unreadable("it is no UTF-8") from None
    except strict_json.NotStrict as error:
        raise Unreadable(str(error)) from None
    if not isinstance(value, dict):
        raise Unreadable("it is no JSON object")
    return value


def is_instant(value: object) -> TypeGuard[float]:
    """Return True if `value` is a NumericDate that a datetime can hold (RFC 7519 section 2).

    A boolean is not a NumericDate, although Python counts it as a number.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= END_OF_TIME
