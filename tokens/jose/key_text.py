"""Reads the public keys that an administrator pastes (a JWKS, one JWK, or PEM) as a JWKS. Pure."""

import re
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tokens.jose import key_format, public_keys, strict_json
from tokens.jose.public_keys import FITS_NONE, PRIVATE_HALF, SECRET_MEMBERS, UnusableKey
from tokens.languages import sentence

FORMS = sentence("Enter a JWKS, a JWK or a PEM public key")
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
SECRET = re.compile(rf"PRIVATE KEY|[\"']({'|'.join(SECRET_MEMBERS)})[\"']\s*:", re.IGNORECASE)
ESCAPED = re.compile(r"\\u00([0-7][0-9a-f])", re.IGNORECASE)


def read(text: str) -> dict[str, Any]:
    """Parse a JWKS, a single JWK, or PEM public keys, and return a JWKS.

    A PEM public key is a SubjectPublicKeyInfo (RFC 7468 section 13). Raises UnusableKey if the text has another form,
    might be a private key, or has no usable key.
    """
    # A PEM has no kid. A single key gets none, and so fits an assertion with any kid; several get their thumbprints.
    if may_be_private(text):
        raise UnusableKey(PRIVATE_HALF)
    document = _from_pem(text) or _from_json(text)
    public_keys.registered(document)
    return document


def may_be_private(text: str) -> bool:
    """Return True if `text` looks like a private key, complete or damaged. The caller must not show the text again."""
    return bool(SECRET.search(ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), text)))


def _from_pem(text: str) -> dict[str, Any] | None:
    """Return a JWKS of the PEM public keys in `text`, or None if `text` has no such key.

    If there are several keys, each gets its thumbprint as its kid. A single key gets no kid. Raises UnusableKey if
    `text` has a certificate, a PEM of another kind beside a public key, or a key that is not valid.
    """
    if CERTIFICATE in text:
        raise UnusableKey(
            sentence("{forms}, and not a certificate: openssl x509 -pubkey -noout shows the key in it.", forms=FORMS)
        )
    keys = list({pem["kid"]: pem for pem in map(_jwk, PEM.findall(text))}.values())
    if keys and "-----BEGIN" in PEM.sub("", text):
        raise UnusableKey(sentence("{forms}; beside a PEM public key there is a PEM of another kind.", forms=FORMS))
    if len(keys) == 1:
        del keys[0]["kid"]
    return {"keys": keys} if keys else None


def _jwk(pem: str) -> dict[str, str]:
    """Return the JWK of a PEM public key, with its kid and without `alg`.

    Raises UnusableKey if the PEM is not valid, or if the key is neither RSA, P-256 nor Ed25519.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey(sentence("A PEM is not a valid public key.")) from None
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not is_p256 and not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise UnusableKey(FITS_NONE)
    jwk = key_format.public_jwk(key, algorithm="")  # type: ignore[arg-type]  # the check says so
    del jwk["alg"]  # a PEM names no algorithm: an RSA key may sign by RS256 or PS256
    return jwk


def _from_json(text: str) -> dict[str, Any]:
    try:
        document = strict_json.parse(text.strip())
    except strict_json.NotStrict as error:
        raise UnusableKey(sentence("{forms}; in what was read, {error}.", forms=FORMS, error=error)) from None
    is_one = isinstance(document, dict) and "kty" in document
    jwks: dict[str, Any] = {"keys": [document]} if is_one else document
    return jwks
