"""DPoP keys for the issuer's tests. They sign DPoP proofs that are valid, or that have changes."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from tokens.jose import key_format

OFFER = 'DPoP realm="userinfo", algs="ES256 Ed25519 EdDSA PS256 RS256"'
"""The challenge of userinfo beside the one for bearer tokens."""


def private_key(algorithm: str) -> Any:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate() if algorithm.startswith("Ed") else rsa.generate_private_key(65537, 2048)


@dataclass
class Key:
    """A DPoP key of a client. Its method `proof` signs a proof."""

    algorithm: str = "ES256"
    private: Any = field(default=None)

    def __post_init__(self):
        self.private = self.private or private_key(self.algorithm)
        full = key_format.public_jwk(self.private.public_key(), self.algorithm)
        self.thumbprint = full["kid"]
        self.jwk = {name: full[name] for name in key_format.REQUIRED[full["kty"]]}

    def proof(self, method, url, *, iat, header=None, without=(), **claims):
        """Return a DPoP proof for a request with this method and URL, issued at `iat` (Unix seconds).

        `header` replaces or adds header members, and `claims` replace or add claims. `without` has the names of members
        to remove.
        """
        head = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk} | (header or {})
        payload = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": iat} | claims
        parts = [kept(head, without), kept(payload, without)]
        message = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        return f"{message}.{encoded(self.sign(message.encode()))}"

    def sign(self, message: bytes) -> bytes:
        name = "EdDSA" if self.algorithm == "Ed25519" else self.algorithm
        return get_default_algorithms()[name].sign(message, self.private)


def kept(members, without):
    return {name: value for name, value in members.items() if name not in without}


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def claims_of(text: str) -> dict[str, Any]:
    """Return the claims of a JWT without verifying it."""
    return jwt.decode(text, options={"verify_signature": False})
