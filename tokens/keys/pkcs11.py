"""Generate, use and destroy signing keys in a PKCS#11 token (an HSM, or SoftHSM). No private half leaves the token.

- In place of the private half, the row of such a key has the encrypted identifier of the object in the token (CKA_ID).
- The objects are sensitive and not extractable: no process can read a private half.
- Each process has one session, used by one thread at a time. If the session fails, the process opens another session
  and tries once more.

Needs the optional extra `pkcs11` (python-pkcs11).
"""

import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import MGF, Attribute, KeyType, Mechanism, NoSuchKey, ObjectClass, PKCS11Error, lib
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from tokens.jose import key_format
from tokens.jose.key_format import Public
from tokens.keys import material
from tokens.keys.errors import CannotOpen
from tokens.keys.key_pair import KeyPair
from tokens.keys.material import RSA_ALGORITHMS, RSA_BITS
from tokens.languages import sentence
from tokens.settings.issuer import Pkcs11Settings

ID_BYTES = 16
ALGORITHMS = (*RSA_ALGORITHMS, "ES256")


@dataclass(frozen=True, slots=True)
class Pkcs11KeyPair:
    """A key pair whose private half is in the token only."""

    algorithm: str
    jwk: dict[str, str]
    secret: bytes = field(repr=False)
    """The identifier of the object (CKA_ID)."""
    sign_in_token: Callable[[bytes], bytes] = field(repr=False)

    @property
    def kid(self) -> str:
        """Return the RFC 7638 thumbprint of the public half."""
        return self.jwk["kid"]

    def sign(self, message: bytes) -> bytes:
        """Return the signature in the form of a JWS. Raises CannotOpen if the token does not answer."""
        return self.sign_in_token(message)


class Pkcs11Token:
    """The keystore of a PKCS#11 token."""

    def __init__(self, settings: Pkcs11Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._session: Any = None
        self._process = 0

    def generate(self, algorithm: str, *, bits: int | None) -> KeyPair:
        """Generate a key pair in the PKCS#11 token. `bits` is the size of an RSA modulus, or None for the default size.

        Raises ValueError if the algorithm or size is not supported, and CannotOpen if the token fails.
        """
        if algorithm not in ALGORITHMS:
            raise ValueError(f"a ring in a PKCS#11 token is one of {', '.join(ALGORITHMS)}, not {algorithm!r}")
        material.require_supported(algorithm, bits)
        identifier = secrets.token_bytes(ID_BYTES)
        return cast("KeyPair", self._in_session(partial(self._generate, algorithm, bits, identifier)))

    def load(self, secret: bytes, *, algorithm: str) -> KeyPair:
        """Return the pair whose objects in the token have the identifier `secret`.

        Raises CannotOpen if the token lacks one of the objects, or does not answer.
        """
        return cast("KeyPair", self._in_session(partial(self._load, secret, algorithm)))

    def destroy(self, secret: bytes) -> None:
        """Destroy the private and the public object with the identifier `secret`.

        Raises CannotOpen if the token does not answer.
        """
        self._in_session(partial(_destroy, secret))

    def close(self) -> None:
        """Close the session, if there is one. The next use opens another session."""
        session, self._session = self._session, None
        with suppress(PKCS11Error):
            if session is not None:
                session.close()

    def _generate(self, algorithm: str, bits: int | None, identifier: bytes, session: Any) -> KeyPair:
        """Generate a pair in the PKCS#11 token, and load it. Its private half cannot leave the token.

        `bits` is the size of an RSA key, or None for the first of RSA_BITS. `identifier` is the id of both objects.
        """
        attributes = {
            "id": identifier,
            "label": f"keyturn {algorithm}",
            "store": True,
            "private_template": {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        }
        if algorithm in RSA_ALGORITHMS:
            session.generate_keypair(KeyType.RSA, bits or RSA_BITS[0], **attributes)
        else:
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
            session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(**attributes)
        return self._load(identifier, algorithm, session)

    def _load(self, identifier: bytes, algorithm: str, session: Any) -> KeyPair:
        public = session.get_key(object_class=ObjectClass.PUBLIC_KEY, id=identifier)
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=identifier)  # raises NoSuchKey if only it is missing
        jwk = key_format.public_jwk(_public(public, algorithm), algorithm)
        return Pkcs11KeyPair(algorithm, jwk, identifier, lambda message: self._sign(identifier, algorithm, message))

    def _sign(self, identifier: bytes, algorithm: str, message: bytes) -> bytes:
        return cast("bytes", self._in_session(partial(_sign, identifier, algorithm, message)))

    def _in_session(self, use: Callable[[Any], Any]) -> Any:
        """Return `use(session)`. If the session fails, open another session and try once more.

        Raises CannotOpen if the second try fails, or if the token lacks the key.
        """
        with self._lock:
            for last in (False, True):
                try:
                    return use(self._opened())
                except NoSuchKey as error:
                    raise CannotOpen(
                        sentence("the token {token!r} lacks a key of the ring", token=self._settings.token)
                    ) from error
                except PKCS11Error as error:
                    self.close()
                    if last:
                        cause = f"{type(error).__name__} {error}".strip()
                        raise CannotOpen(sentence("the PKCS#11 token does not answer: {cause}", cause=cause)) from error
            raise AssertionError("unreachable")

    def _opened(self) -> Any:
        """Return the session of this process. Opens a session if there is none."""
        # A forked process must not use its parent's session.
        if self._session is None or self._process != os.getpid():
            token = lib(self._settings.module).get_token(token_label=self._settings.token)
            self._session, self._process = token.open(rw=True, user_pin=self._settings.pin), os.getpid()
        return self._session


def _public(key: Any, algorithm: str) -> Public:
    encoded = encode_rsa_public_key(key) if algorithm in RSA_ALGORITHMS else encode_ec_public_key(key)
    return cast("Public", load_der_public_key(encoded))


def _sign(identifier: bytes, algorithm: str, message: bytes, session: Any) -> bytes:
    """Return the signature in the form of a JWS (RFC 7518 sections 3.3 to 3.5)."""
    key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=identifier)
    if algorithm == "ES256":
        # Hashed here, because tokens differ in the hashes that their ECDSA supports.
        return bytes(key.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA))
    if algorithm == "RS256":
        return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))
    pss = (Mechanism.SHA256, MGF.SHA256, hashlib.sha256().digest_size)
    return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=pss))


def _destroy(identifier: bytes, session: Any) -> None:
    # A list: the search must be over before its objects are destroyed.
    for key in list(session.get_objects({Attribute.ID: identifier})):
        key.destroy()
