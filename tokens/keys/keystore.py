"""Where private halves are: in the database, sealed, or in a device that never gives them away (PKCS #11)."""

from functools import cache
from typing import Protocol

from tokens import conf
from tokens.keys import material
from tokens.keys.errors import CannotOpen
from tokens.keys.key_pair import KeyPair

DATABASE = "database"
PKCS11 = "pkcs11"
NAMES = (DATABASE, PKCS11)


class Keystore(Protocol):
    """Makes key pairs, and finds them again by the secret that was kept of them."""

    def generate(self, algorithm: str, *, bits: int | None) -> KeyPair:
        """A fresh pair; raises ValueError for what it cannot make."""

    def load(self, secret: bytes, *, algorithm: str) -> KeyPair:
        """The pair again; raises CannotOpen."""

    def destroy(self, secret: bytes) -> None:
        """Destroy the private half for good; does nothing where it is gone."""


class Database:
    """Private halves in the key's own row, sealed."""

    def generate(self, algorithm: str, *, bits: int | None) -> KeyPair:
        """A fresh pair, made in this process."""
        return material.generate(algorithm, bits=bits)

    def load(self, secret: bytes, *, algorithm: str) -> KeyPair:
        """The pair of an unsealed private half; raises CannotOpen."""
        return material.load(secret, algorithm=algorithm)

    def destroy(self, secret: bytes) -> None:
        """The row is all there is of it, and has let go of it already."""


@cache
def keystore(name: str) -> Keystore:
    """The store of a ring's keys; raises KeyError for an unknown name, CannotOpen where a device is not set up."""
    return {DATABASE: Database, PKCS11: _device}[name]()


def _device() -> Keystore:
    settings = conf.issuer().device
    if not (settings.module and settings.token):
        raise CannotOpen("a ring is in a PKCS #11 device: set PKCS11_MODULE, PKCS11_TOKEN and PKCS11_PIN")
    try:
        from tokens.keys.pkcs11 import Device  # noqa: PLC0415 (an optional extra, which may not be installed)
    except ImportError as error:
        raise CannotOpen("a ring is in a PKCS #11 device: install python-pkcs11") from error
    return Device(settings)
