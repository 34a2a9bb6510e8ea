"""Signing keys in a PKCS #11 device (an HSM, or SoftHSM): made there, used there, and never seen by this process.

The row of such a key keeps, sealed, only the identifier of the object in the device. The optional extra `pkcs11`
(python-pkcs11) has to be installed.
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

from tokens.conf import DeviceSettings
from tokens.jose import key_format
from tokens.jose.key_format import Public
from tokens.keys import material
from tokens.keys.errors import CannotOpen
from tokens.keys.key_pair import KeyPair
from tokens.keys.material import RSA_ALGORITHMS, RSA_BITS

ID_BYTES = 16
ALGORITHMS = (*RSA_ALGORITHMS, "ES256")


@dataclass(frozen=True, slots=True)
class HeldByDevice:
    """A key pair whose private half only the device has."""

    algorithm: str
    jwk: dict[str, str]
    secret: bytes = field(repr=False)
    """The identifier of the object (CKA_ID)."""
    sign_in_device: Callable[[bytes], bytes] = field(repr=False)

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint."""
        return self.jwk["kid"]

    def sign(self, message: bytes) -> bytes:
        """The signature as a JWS has it; raises CannotOpen when the device does not answer."""
        return self.sign_in_device(message)


class Device:
    """A token of a PKCS #11 module. One session per process, used by one thread at a time."""

    def __init__(self, settings: DeviceSettings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._session: Any = None
        self._process = 0

    def generate(self, algorithm: str, *, bits: int | None) -> KeyPair:
        """A pair that is made in the device and cannot leave it; raises ValueError, CannotOpen."""
        if algorithm not in ALGORITHMS:
            raise ValueError(f"a PKCS #11 ring is one of {', '.join(ALGORITHMS)}, not {algorithm!r}")
        material.require_supported(algorithm, bits)
        name = secrets.token_bytes(ID_BYTES)
        return cast("KeyPair", self._in_session(partial(self._generate, algorithm, bits, name)))

    def load(self, secret: bytes, *, algorithm: str) -> KeyPair:
        """The pair whose identifier was kept; raises CannotOpen where the device does not have it."""
        return cast("KeyPair", self._in_session(partial(self._load, secret, algorithm)))

    def destroy(self, secret: bytes) -> None:
        """Destroy both objects of a pair; raises CannotOpen when the device does not answer."""
        self._in_session(partial(_destroy, secret))

    def close(self) -> None:
        """Close the session, if there is one; the next use opens another."""
        session, self._session = self._session, None
        with suppress(PKCS11Error):
            if session is not None:
                session.close()

    def _generate(self, algorithm: str, bits: int | None, name: bytes, session: Any) -> KeyPair:
        kept = {
            "id": name,
            "label": f"keyturn {algorithm}",
            "store": True,
            "private_template": {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        }
        if algorithm in RSA_ALGORITHMS:
            session.generate_keypair(KeyType.RSA, bits or RSA_BITS[0], **kept)
        else:
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
            session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(**kept)
        return self._load(name, algorithm, session)

    def _load(self, name: bytes, algorithm: str, session: Any) -> KeyPair:
        public = session.get_key(object_class=ObjectClass.PUBLIC_KEY, id=name)
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=name)
        jwk = key_format.public_jwk(_public(public, algorithm), algorithm)
        return HeldByDevice(algorithm, jwk, name, lambda message: self._sign(name, algorithm, message))

    def _sign(self, name: bytes, algorithm: str, message: bytes) -> bytes:
        return cast("bytes", self._in_session(partial(_sign, name, algorithm, message)))

    def _in_session(self, use: Callable[[Any], Any]) -> Any:
        """What `use` returns for an open session; a session that broke is opened anew, once."""
        with self._lock:
            for last in (False, True):
                try:
                    return use(self._opened())
                except NoSuchKey as error:
                    raise CannotOpen(f"the token {self._settings.token!r} does not hold a key of the ring") from error
                except PKCS11Error as error:
                    self.close()
                    if last:
                        told = f"{type(error).__name__} {error}".strip()
                        raise CannotOpen(f"the PKCS #11 device does not answer: {told}") from error
            raise AssertionError("unreachable")

    def _opened(self) -> Any:
        """The session of this process; a forked process has none of its parent's."""
        if self._session is None or self._process != os.getpid():
            token = lib(self._settings.module).get_token(token_label=self._settings.token)
            self._session, self._process = token.open(rw=True, user_pin=self._settings.pin), os.getpid()
        return self._session


def _public(key: Any, algorithm: str) -> Public:
    encoded = encode_rsa_public_key(key) if algorithm in RSA_ALGORITHMS else encode_ec_public_key(key)
    return cast("Public", load_der_public_key(encoded))


def _sign(name: bytes, algorithm: str, message: bytes, session: Any) -> bytes:
    """RFC 7518 sections 3.3 to 3.5; ECDSA is given the hash, because devices differ in what they hash themselves."""
    key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=name)
    if algorithm == "ES256":
        return bytes(key.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA))
    if algorithm == "RS256":
        return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS))
    pss = (Mechanism.SHA256, MGF.SHA256, hashlib.sha256().digest_size)
    return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=pss))


def _destroy(name: bytes, session: Any) -> None:

    for one in list(session.get_objects({Attribute.ID: name})):
        one.destroy()
