"""What can sign: one small interface, so that a key store of another kind can take the place of the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tokens.keys.material import Material


class Signer(Protocol):
    """The key that signs right now. Whoever writes a header reads `kid` and `algorithm` from the object that signs."""

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint."""

    @property
    def algorithm(self) -> str:
        """JWA name."""

    @property
    def max_lifetime(self) -> timedelta:
        """The longest token that may be signed."""

    def sign(self, message: bytes) -> bytes:
        """The signature as a JWS has it (RFC 7515 section 5.1)."""


@dataclass(frozen=True, slots=True)
class DatabaseSigner:
    """Signs with a private half that the database holds, sealed."""

    max_lifetime: timedelta
    material: Material = field(repr=False)
    kid: str = field(init=False)
    algorithm: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", self.material.kid)
        object.__setattr__(self, "algorithm", self.material.algorithm)

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3)."""
        return self.material.private.sign(message, PKCS1v15(), SHA256())


def verifies(signature: bytes, message: bytes, jwk: Mapping[str, str]) -> bool:
    """Whether a JWS signature verifies under a public JWK, by a library that shares no code with the signing side."""
    algorithm = jwt.get_algorithm_by_name(jwk["alg"])
    return algorithm.verify(message, algorithm.from_jwk(dict(jwk)), signature)
