"""Generate, load and use key pairs (RFC 7518 section 3, RFC 8037). Pure; `seal` encrypts the private halves."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tokens.jose.key_format import ALGORITHMS, P256_BYTES, public_jwk
from tokens.keys.errors import CannotOpen

RSA_ALGORITHMS = ("RS256", "PS256")
RSA_BITS = (2048, 3072, 4096)

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Material:
    """A key pair whose private half is in this process."""

    algorithm: str
    private: Private = field(repr=False)
    jwk: dict[str, str] = field(init=False)
    """The public half as the JWKS shows it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "jwk", public_jwk(self.private.public_key(), self.algorithm))

    @property
    def kid(self) -> str:
        """Return the RFC 7638 thumbprint of the public half."""
        return self.jwk["kid"]

    @property
    def secret(self) -> bytes:
        """Return the private half, unencrypted (PKCS #8, DER)."""
        return self.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of a JWS (RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1)."""
        match self.private:
            case ed25519.Ed25519PrivateKey():
                return self.private.sign(message)
            case ec.EllipticCurvePrivateKey():
                # RFC 7518 section 3.4: both numbers in full length, where the library returns DER.
                numbers = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256())))
                return b"".join(number.to_bytes(P256_BYTES, "big") for number in numbers)
            case _ if self.algorithm == "PS256":
                return self.private.sign(message, PSS(mgf=MGF1(SHA256()), salt_length=SHA256.digest_size), SHA256())
            case _:
                return self.private.sign(message, PKCS1v15(), SHA256())


def generate(algorithm: str, *, bits: int | None = None) -> Material:
    """Return a fresh key pair for a JWA algorithm. `bits` is the size of an RSA modulus, 2048 by default.

    Raises ValueError if the algorithm or the size is not supported.
    """
    require_supported(algorithm, bits)
    if algorithm in RSA_ALGORITHMS:
        return Material(algorithm, rsa.generate_private_key(public_exponent=65537, key_size=bits or RSA_BITS[0]))
    if algorithm == "ES256":
        return Material(algorithm, ec.generate_private_key(ec.SECP256R1()))
    return Material(algorithm, ed25519.Ed25519PrivateKey.generate())


def require_supported(algorithm: str, bits: int | None) -> None:
    """Raise ValueError if a key ring cannot have the algorithm or the size. The message names what is supported.

    `bits` is the size of an RSA modulus, or None for the default size. For all other algorithms it must be None.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"the algorithm {algorithm!r} is not one of {', '.join(ALGORITHMS)}")
    if algorithm in RSA_ALGORITHMS and bits not in (None, *RSA_BITS):
        raise ValueError(f"an RSA key of {bits} bits is not one of {', '.join(map(str, RSA_BITS))}")
    if algorithm not in RSA_ALGORITHMS and bits is not None:
        raise ValueError(f"the size of a key for {algorithm} is fixed")


def load(secret: bytes, *, algorithm: str) -> Material:
    """Return the key pair of a decrypted private half.

    Raises CannotOpen if the key is not of the type that `algorithm` needs.
    """
    # Every re-read of a ring loads its keys. Validating an RSA key holds the interpreter for 27 ms, while no other
    # request runs. The validation would find nothing: an unsealed key is authenticated, and was written by `generate`.
    private = serialization.load_der_private_key(secret, password=None, unsafe_skip_rsa_key_validation=True)
    fits = {
        "ES256": isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1),
        "EdDSA": isinstance(private, ed25519.Ed25519PrivateKey),
    }.get(algorithm, isinstance(private, rsa.RSAPrivateKey))
    if not fits:
        raise CannotOpen(f"the private key is not of the type that {algorithm} needs")
    return Material(algorithm, private)  # type: ignore[arg-type]  # `fits` says so
