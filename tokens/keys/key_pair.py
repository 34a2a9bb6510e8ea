"""The interfaces of a key pair and of the signing key. Each keystore has its own implementation of `KeyPair`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, Protocol

import jwt

MEMBERS = ("alg", "kty", "n", "e", "crv", "x", "y")
"""The members of a public JWK that make up the key (RFC 7518 section 6, RFC 8037 section 2)."""


class KeyPair(Protocol):
    """A key pair: the public half, and the ability to sign. The private half can be inside a PKCS#11 token."""

    @property
    def algorithm(self) -> str:
        """Return the name of the algorithm (RFC 7518 section 3)."""

    @property
    def kid(self) -> str:
        """Return the RFC 7638 thumbprint of the public half."""

    @property
    def jwk(self) -> dict[str, str]:
        """Return the public half as the JWKS shows it."""

    @property
    def secret(self) -> bytes:
        """Return the bytes from which the keystore loads the pair: the private key, or its id in a PKCS#11 token.

        The key's row stores these bytes encrypted.
        """

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of a JWS (RFC 7515 section 5.1)."""


class Signer(Protocol):
    """The present signing key of a key ring.

    Take the `kid` and `algorithm` of a JWS header from the same object as `sign`.
    """

    @property
    def kid(self) -> str:
        """Return the RFC 7638 thumbprint of the public half."""

    @property
    def algorithm(self) -> str:
        """Return the name of the algorithm (RFC 7518 section 3)."""

    @property
    def max_lifetime(self) -> timedelta:
        """Return the longest lifetime of a token that the key may sign."""

    @property
    def sign(self) -> Callable[[bytes], bytes]:
        """Return the function that signs a message in the form of a JWS (RFC 7515 section 5.1).

        That function raises CannotOpen if a PKCS#11 token does not answer.
        """


@dataclass(frozen=True, slots=True)
class RingSigner:
    """The signing key of a key ring, with the longest lifetime of a token that this key may sign."""

    max_lifetime: timedelta
    pair: KeyPair = field(repr=False)
    kid: str = field(init=False)
    algorithm: str = field(init=False)
    sign: Callable[[bytes], bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("kid", "algorithm", "sign"):
            object.__setattr__(self, name, getattr(self.pair, name))


def verifies(signature: bytes, message: bytes, jwk: Mapping[str, str]) -> bool:
    """Return True if a JWS signature verifies under a public JWK."""
    # By PyJWT, which shares no code with `material` and `pkcs11`, so that an error there cannot cancel itself out.
    return jwt.get_algorithm_by_name(jwk["alg"]).verify(message, _opened(tuple(map(jwk.get, MEMBERS))), signature)


@lru_cache(maxsize=256)
def _opened(values: tuple[str | None, ...]) -> Any:
    """Return the key object of a public JWK.

    `values` has the values of the JWK's members in the order of MEMBERS (`alg`, `kty`, …). None is a missing member.
    """
    # Opening an RSA key takes longer than a verification with it.
    jwk = {name: value for name, value in zip(MEMBERS, values, strict=True) if value is not None}
    return jwt.get_algorithm_by_name(jwk["alg"]).from_jwk(jwk)
