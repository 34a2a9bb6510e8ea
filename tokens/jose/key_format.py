"""Write public keys as JWKs (RFC 7517), and compute their thumbprints (RFC 7638). Pure."""

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

P256_BYTES = 32
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""JWA names (RFC 7518 section 3.1, RFC 8037); EdDSA is Ed25519."""
REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def public_jwk(public: Public, algorithm: str) -> dict[str, str]:
    """Return a public key as a JWK with the required members, `use`, `alg` and `kid` (RFC 7517 section 4)."""
    numbers = _numbers(public)
    members = {"kty": numbers.pop("kty"), "use": "sig", "alg": algorithm, "kid": ""} | numbers
    return members | {"kid": thumbprint(members)}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a public JWK, over its required members in order (RFC 7638 section 3)."""
    required = json.dumps({name: jwk[name] for name in REQUIRED[jwk["kty"]]}, separators=(",", ":"))
    return _encode(hashlib.sha256(required.encode()).digest())


def _numbers(public: Public) -> dict[str, str]:
    """Return `kty` and the public numbers of a key (RFC 7518 section 6, RFC 8037 section 2)."""
    match public:
        case ed25519.Ed25519PublicKey():
            return {"kty": "OKP", "crv": "Ed25519", "x": _encode(public.public_bytes_raw())}
        case ec.EllipticCurvePublicKey():
            point = public.public_numbers()
            x, y = (_encode(number.to_bytes(P256_BYTES, "big")) for number in (point.x, point.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case _:
            numbers = public.public_numbers()
            return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}


def _number(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
