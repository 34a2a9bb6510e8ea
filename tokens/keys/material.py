"""What a signing key is made of: generation, thumbprint, public JWK, and the seal that protects it at rest. Pure.

The private half is encrypted with AES-256-GCM under a key derived from an encrypting key (KEY_ENCRYPTION_KEYS). Two
things are bound to the row's whole meaning: the ciphertext, by its associated data, and a keyed MAC that stays when the
private half is destroyed. A row that somebody wrote into the table by hand has neither, and is never published.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tokens.encryption import EncryptionKey
from tokens.keys.errors import CannotOpen

NONCE_BYTES = 12
RSA_BITS = {"RS256": 2048}


@dataclass(frozen=True, slots=True)
class Material:
    """A key pair: what is published, and what is not."""

    algorithm: str
    """JWA name (RFC 7518 section 3.1)."""
    private: RSAPrivateKey = field(repr=False)

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as the JWKS shows it (RFC 7517 section 4)."""
        numbers = self.private.public_key().public_numbers()
        members = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        return {"kty": "RSA", "use": "sig", "alg": self.algorithm, "kid": thumbprint(members), **members}

    @property
    def kid(self) -> str:
        """The key's name: its RFC 7638 thumbprint."""
        return self.jwk["kid"]


def generate(algorithm: str) -> Material:
    """A fresh key pair for a JWA algorithm; raises KeyError for one that is not supported."""
    return Material(algorithm, generate_private_key(public_exponent=65537, key_size=RSA_BITS[algorithm]))


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The RFC 7638 SHA-256 thumbprint of an RSA key: its required members, in order, hashed."""
    required = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    return _encode(hashlib.sha256(required.encode()).digest())


def seal(material: Material, meaning: bytes, *, key: EncryptionKey) -> bytes:
    """The private half encrypted under `key` and bound to `meaning`, the row's other columns as bytes."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    der = material.private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return nonce + AESGCM(key.derive("signing key")).encrypt(nonce, der, meaning)


def open_seal(sealed: bytes, meaning: bytes, *, algorithm: str, key: EncryptionKey) -> Material:
    """The inverse of `seal`; raises CannotOpen when the ciphertext, the meaning or the key is another."""
    try:
        der = AESGCM(key.derive("signing key")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], meaning)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("a private key does not decrypt: its row was changed, or KEY_ENCRYPTION_KEYS was") from error
    private = serialization.load_der_private_key(der, password=None)
    if not isinstance(private, RSAPrivateKey):
        raise CannotOpen(f"a private key of another type than {algorithm} needs was found")
    return Material(algorithm, private)


def mac(meaning: bytes, *, key: EncryptionKey) -> bytes:
    """A keyed MAC of the row's meaning (HMAC-SHA-256)."""
    return hmac.digest(key.derive("signing key row"), meaning, "sha256")


def _number(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
