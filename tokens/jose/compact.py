"""What the parts of a compact JWS hold (RFC 7515 section 3.1), read before anything in it is believed. Pure."""

import base64
import binascii
from typing import Any

from tokens.jose import strict_json


class Unreadable(ValueError):
    """The part holds nothing that can be read; the message says why, and repeats nothing of it."""


def octets(part: str) -> bytes:
    """What `part` encodes: base64url without padding, in its one spelling (RFC 7515 section 2); raises Unreadable."""
    try:
        decoded = base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("it is no base64url") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise Unreadable("it is no base64url in its one spelling")
    return decoded


def json_object(part: str) -> dict[str, Any]:
    """The JSON object that `part` encodes (RFC 7519 section 7.2); raises Unreadable."""
    try:
        value = strict_json.parse(octets(part).decode())
    except UnicodeDecodeError:
        raise Unreadable("it is no UTF-8") from None
    except strict_json.NotStrict as error:
        raise Unreadable(str(error)) from None
    if not isinstance(value, dict):
        raise Unreadable("it is no JSON object")
    return value
