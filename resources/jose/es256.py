"""Verify an ES256 signature of a JWS (RFC 7518 section 3.4). Pure.

The library `cryptography` reads signatures in DER. A JWS signature has the two numbers r and s instead, of 32 octets
each. The library checks the range of both numbers. If the signature is wrong, the library raises an error, and
`verifies` returns False.
"""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

OCTETS = 32
"""The length of r and of s, which is the length of the order of P-256."""
CURVE = ec.SECP256R1.name
_SCHEME = ec.ECDSA(SHA256())


def verifies(key: Any, message: bytes, signature: bytes) -> bool:
    """Return True if the public key `key` verifies `signature` over `message`.

    Returns False if `key` is a public key of another curve or another kind.
    """
    # The curve is compared by name: `isinstance` with an abstract class takes longer than the rest of this function.
    if getattr(getattr(key, "curve", None), "name", "") != CURVE or len(signature) != 2 * OCTETS:
        return False
    r, s = int.from_bytes(signature[:OCTETS], "big"), int.from_bytes(signature[OCTETS:], "big")
    try:
        key.verify(encode_dss_signature(r, s), message, _SCHEME)
    except InvalidSignature:
        return False
    return True
