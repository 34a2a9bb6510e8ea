"""The interfaces of a key pair and of the signing key. A keystore of another kind implements `KeyPair`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import jwt

from tokens.keys.errors import CannotOpen, NotReady


class KeyPair(Protocol):
    """A public half, and a way to sign with the private half, which need not be in this process."""

    @property
    def algorithm(self) -> str:
        """JWA name."""

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint."""

    @property
    def jwk(self) -> dict[str, str]:
        """Public half as the JWKS shows it."""

    @property
    def secret(self) -> bytes:
        """Secret that the key's row keeps, sealed, and from which the keystore loads the pair."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of a JWS (RFC 7515 section 5.1)."""


class Signer(Protocol):
    """The signing key at this moment. A JWS header takes `kid` and `algorithm` from the same object that signs."""

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint."""

    @property
    def algorithm(self) -> str:
        """JWA name."""

    @property
    def max_lifetime(self) -> timedelta:
        """Longest token that it may sign."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of a JWS (RFC 7515 section 5.1)."""


@dataclass(frozen=True, slots=True)
class RingSigner:
    """A signer that is a key of a ring."""

    max_lifetime: timedelta
    pair: KeyPair = field(repr=False)
    kid: str = field(init=False)
    algorithm: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kid", self.pair.kid)
        object.__setattr__(self, "algorithm", self.pair.algorithm)

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of a JWS. Raises NotReady if the PKCS#11 token does not answer."""
        try:
            return self.pair.sign(message)
        except CannotOpen as error:
            raise NotReady(str(error)) from error


def verifies(signature: bytes, message: bytes, jwk: Mapping[str, str]) -> bool:
    """Return True if a JWS signature verifies under a public JWK."""
    # By PyJWT, which shares no code with `material` and `pkcs11`: an error in those does not cancel itself out.
    algorithm = jwt.get_algorithm_by_name(jwk["alg"])
    return algorithm.verify(message, algorithm.from_jwk(dict(jwk)), signature)
