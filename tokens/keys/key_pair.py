"""What can sign: one small interface, so that a key store of another kind can take the place of the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import jwt

from tokens.keys.errors import CannotOpen, NotReady


class KeyPair(Protocol):
    """A public half, and a way to sign with the private one; it need not be in this process."""

    @property
    def algorithm(self) -> str:
        """JWA name."""

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint."""

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as the JWKS shows it."""

    @property
    def secret(self) -> bytes:
        """What is sealed and kept in the key's row, and opens the pair again."""

    def sign(self, message: bytes) -> bytes:
        """The signature as a JWS has it (RFC 7515 section 5.1)."""


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
class RingSigner:
    """Signs with a key of a ring."""

    max_lifetime: timedelta
    pair: KeyPair = field(repr=False)
    kid: str = field(init=False)
    algorithm: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", self.pair.kid)
        object.__setattr__(self, "algorithm", self.pair.algorithm)

    def sign(self, message: bytes) -> bytes:
        """The signature as a JWS has it; raises NotReady when the device with the private half does not answer."""
        try:
            return self.pair.sign(message)
        except CannotOpen as error:
            raise NotReady(str(error)) from error


def verifies(signature: bytes, message: bytes, jwk: Mapping[str, str]) -> bool:
    """Whether a JWS signature verifies under a public JWK, by a library that shares no code with the signing side."""
    algorithm = jwt.get_algorithm_by_name(jwk["alg"])
    return algorithm.verify(message, algorithm.from_jwk(dict(jwk)), signature)
