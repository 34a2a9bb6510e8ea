"""Generate, load and destroy private keys in a keystore.

A keystore is the database, with encrypted private halves, or a PKCS#11 token, which never reveals a private half.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Protocol

from tokens import conf
from tokens.keys import material
from tokens.keys.errors import CannotOpen, WrongRing
from tokens.keys.key_pair import KeyPair
from tokens.languages import sentence
from tokens.models.key import Ring

DATABASE = "database"
PKCS11 = "pkcs11"
NAMES = (DATABASE, PKCS11)
TRIES = 10
"""The largest number of pairs that are destroyed because the kid begins with a dash. One kid in 64 begins with it."""


class Keystore(Protocol):
    """The interface of a keystore, which generates, loads and destroys key pairs.

    `secret` is a private half, or the identifier of a private half in a PKCS#11 token.
    """

    def generate(self, algorithm: str, *, bits: int | None) -> KeyPair:
        """Return a fresh key pair. Raises ValueError if the keystore does not support the algorithm or the size."""

    def load(self, secret: bytes, *, algorithm: str) -> KeyPair:
        """Return the key pair whose private half `secret` contains or identifies.

        Raises CannotOpen if the pair cannot be loaded.
        """

    def destroy(self, secret: bytes) -> None:
        """Destroy the private half permanently. Does nothing if it is destroyed already."""


class Database:
    """The keystore of the database: each private half is in the key's own row, sealed."""

    def generate(self, algorithm: str, *, bits: int | None) -> KeyPair:
        """Return a fresh pair, generated in this process."""
        return material.generate(algorithm, bits=bits)

    def load(self, secret: bytes, *, algorithm: str) -> KeyPair:
        """Return the key pair of `secret`, the decrypted private half. Raises CannotOpen if it cannot be loaded."""
        return material.load(secret, algorithm=algorithm)

    def destroy(self, secret: bytes) -> None:
        """Do nothing. The caller has deleted the private half from the key's row, which was its only copy."""


@cache
def keystore(name: str) -> Keystore:
    """Return the keystore `name`. Raises KeyError if there is none, CannotOpen if PKCS#11 is not configured."""
    return {DATABASE: Database, PKCS11: _pkcs11}[name]()


def _pkcs11() -> Keystore:
    """Return the keystore of the PKCS#11 token in the settings.

    Raises CannotOpen if PKCS#11 is not configured, or python-pkcs11 is not installed.
    """
    settings = conf.issuer().pkcs11
    if not (settings.module and settings.token):
        raise CannotOpen(
            sentence("a ring's keys are in a PKCS#11 token: set PKCS11_MODULE, PKCS11_TOKEN and PKCS11_PIN")
        )
    try:
        from tokens.keys.pkcs11 import Pkcs11Token  # noqa: PLC0415 (an optional extra, which may not be installed)
    except ImportError as error:
        raise CannotOpen(sentence("a ring's keys are in a PKCS#11 token: install python-pkcs11")) from error
    return Pkcs11Token(settings)


@contextmanager
def fresh_pairs(row: Ring, number: int) -> Iterator[list[KeyPair]]:
    """Generate `number` key pairs for the key ring `row`, and yield them. After the block, destroy the unused pairs.

    A pair is unused if no row of the database has its kid. Call this function before the ring is locked, because the
    generation is slow.

    Raises WrongRing if the keystore does not support the algorithm or the size, and CannotOpen if the keystore does not
    answer.
    """
    store = keystore(row.keystore)
    try:
        pairs = [_typable(store, row) for _ in range(number)]
    except ValueError as error:
        raise WrongRing(str(error)) from error
    try:
        yield pairs
    finally:
        if row.keystore != DATABASE:  # there, an unused pair is only in this process's memory
            stored = set(row.keys.values_list("kid", flat=True))
            for pair in pairs:
                if pair.kid not in stored:
                    store.destroy(pair.secret)


def _typable(store: Keystore, row: Ring) -> KeyPair:
    """Generate a pair whose kid does not begin with a dash."""
    # A command reads a word that begins with a dash as an option.
    pair = store.generate(row.algorithm, bits=row.bits)
    for _ in range(TRIES):
        if not pair.kid.startswith("-"):
            break
        store.destroy(pair.secret)
        pair = store.generate(row.algorithm, bits=row.bits)
    return pair
