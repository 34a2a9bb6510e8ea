"""What a signing key is made of: generation, signature, thumbprint, public JWK, and the seal that protects it. Pure.

The private half is encrypted with AES-256-GCM under a key derived from an encrypting key (KEY_ENCRYPTION_KEYS). Three
things are bound to the row's whole meaning: the ciphertext, by its associated data, and two keyed MACs that stay when
the private half is destroyed, the second one under Django's SECRET_KEY. A row that somebody wrote into the table by
hand has none of them, and is never published.
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
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from tokens.encryption import EncryptionKey
from tokens.keys.errors import CannotOpen

NONCE_BYTES = 12
P256_BYTES = 32
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""JWA names (RFC 7518 section 3.1, RFC 8037); EdDSA is Ed25519."""
RSA_ALGORITHMS = ("RS256", "PS256")
RSA_BITS = (2048, 3072, 4096)
REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Material:
    """A key pair that this process holds: what is published, and what is not."""

    algorithm: str
    private: Private = field(repr=False)
    jwk: dict[str, str] = field(init=False)
    """The public half as the JWKS shows it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "jwk", public_jwk(self.private.public_key(), self.algorithm))

    @property
    def kid(self) -> str:
        """The key's name: its RFC 7638 thumbprint."""
        return self.jwk["kid"]

    @property
    def secret(self) -> bytes:
        """What is sealed and kept: the private half (PKCS #8, DER)."""
        return self.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """The signature as a JWS has it (RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1)."""
        match self.private:
            case ed25519.Ed25519PrivateKey():
                return self.private.sign(message)
            case ec.EllipticCurvePrivateKey():
                numbers = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
                return b"".join(number.to_bytes(P256_BYTES, "big") for number in numbers)
            case _ if self.algorithm == "PS256":
                return self.private.sign(message, PSS(mgf=MGF1(SHA256()), salt_length=SHA256.digest_size), SHA256())
            case _:
                return self.private.sign(message, PKCS1v15(), SHA256())


def generate(algorithm: str, *, bits: int | None = None) -> Material:
    """A fresh key pair for a JWA algorithm; `bits` is the modulus of an RSA key, 2048 unless told.

    Raises ValueError for an algorithm or a size that is not supported.
    """
    require_supported(algorithm, bits)
    if algorithm in RSA_ALGORITHMS:
        return Material(algorithm, rsa.generate_private_key(public_exponent=65537, key_size=bits or RSA_BITS[0]))
    if algorithm == "ES256":
        return Material(algorithm, ec.generate_private_key(ec.SECP256R1()))
    return Material(algorithm, ed25519.Ed25519PrivateKey.generate())


def require_supported(algorithm: str, bits: int | None) -> None:
    """Raise ValueError, naming what there is, for an algorithm or a size that no ring can have."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"the algorithm {algorithm!r} is not one of {', '.join(ALGORITHMS)}")
    if algorithm in RSA_ALGORITHMS and bits not in (None, *RSA_BITS):
        raise ValueError(f"an RSA key of {bits} bits is not one of {', '.join(map(str, RSA_BITS))}")
    if algorithm not in RSA_ALGORITHMS and bits is not None:
        raise ValueError(f"a key for {algorithm} has no size to choose")


def load(secret: bytes, *, algorithm: str) -> Material:
    """The pair of a private half that was unsealed; raises CannotOpen for one that `algorithm` does not use."""
    # Every re-read of a ring loads its keys. Validating an RSA key holds the interpreter for 27 ms, while no other
    # request runs. It would find nothing: what was unsealed is authenticated, and was written by `generate`.
    private = serialization.load_der_private_key(secret, password=None, unsafe_skip_rsa_key_validation=True)
    fits = {
        "ES256": isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1),
        "EdDSA": isinstance(private, ed25519.Ed25519PrivateKey),
    }.get(algorithm, isinstance(private, rsa.RSAPrivateKey))
    if not fits:
        raise CannotOpen(f"a private key of another type than {algorithm} needs was found")
    return Material(algorithm, private)  # type: ignore[arg-type]  # `fits` says so


def public_jwk(public: Public, algorithm: str) -> dict[str, str]:
    """A public key as the JWKS shows it: its numbers, and nothing that is not needed (RFC 7517 section 4)."""
    numbers = _numbers(public)
    members = {"kty": numbers.pop("kty"), "use": "sig", "alg": algorithm, "kid": ""} | numbers
    return members | {"kid": thumbprint(members)}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The RFC 7638 SHA-256 thumbprint of a public key: its required members, in order, hashed."""
    required = json.dumps({name: jwk[name] for name in REQUIRED[jwk["kty"]]}, separators=(",", ":"))
    return _encode(hashlib.sha256(required.encode()).digest())


def seal(secret: bytes, meaning: bytes, *, key: EncryptionKey) -> bytes:
    """The private half encrypted under `key` and bound to `meaning`, the row's other columns as bytes."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key.derive("signing key")).encrypt(nonce, secret, meaning)


def unseal(sealed: bytes, meaning: bytes, *, key: EncryptionKey) -> bytes:
    """The inverse of `seal`; raises CannotOpen when the ciphertext, the meaning or the key is another."""
    try:
        return AESGCM(key.derive("signing key")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], meaning)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("a private key does not decrypt: its row was changed, or KEY_ENCRYPTION_KEYS was") from error


def mac(meaning: bytes, *, key: EncryptionKey) -> bytes:
    """A keyed MAC of the row's meaning (HMAC-SHA-256)."""
    return hmac.digest(key.derive("signing key row"), meaning, "sha256")


def vouch(meaning: bytes, *, secret: str) -> bytes:
    """A second MAC, under a secret that has nothing to do with the encrypting keys.

    It keeps public halves published where KEY_ENCRYPTION_KEYS is not what it was, and signs nothing.
    """
    key = hmac.digest(secret.encode(), b"keyturn signing key row", "sha256")
    return hmac.digest(key, meaning, "sha256")


def _numbers(public: Public) -> dict[str, str]:
    """`kty` and the public numbers (RFC 7518 section 6, RFC 8037 section 2)."""
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
