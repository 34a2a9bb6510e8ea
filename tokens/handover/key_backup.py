"""Writes and restores a backup of the signing keys and their encrypting keys: one file, encrypted by a passphrase.

- The backup has the rows of key rings and signing keys as they are, and the values of KEY_ENCRYPTION_KEYS, without
  which no private half decrypts. A dump of the database lacks these values.
- The file is `MAGIC`, 16 bytes of salt, 12 bytes of nonce, and AES-256-GCM under a key of the passphrase (scrypt, RFC
  7914, N = 2^17, r = 8, p = 1: 128 MiB for each guess). A changed byte is refused.
- Keys are restored only into a database without keys. In a database with keys, the restore would make keys valid again
  that were revoked after the backup.
- The backup has the rows of keys in an HSM, but not the keys themselves.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.core import serializers
from django.db import transaction

from tokens.audit import trail
from tokens.encryption import EncryptionKey, parse
from tokens.keys import store
from tokens.models import Ring, SigningKey

MAGIC = b"keyturn key backup 1\n"
SALT, NONCE = 16, 12
SHORTEST_PASSPHRASE = 16
"""The fewest characters of a passphrase. Generate it, because an attacker who has the file can guess without limit."""


class CannotRestore(Exception):
    """The backup cannot be read or restored. The message gives the reason. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Backup:
    """The content of a backup of signing keys."""

    encryption_keys: tuple[str, ...] = field(repr=False)
    """The values of KEY_ENCRYPTION_KEYS, in their order."""
    rows: list[dict[str, Any]] = field(repr=False)
    """Rings and signing keys, as Django serializes them."""


def save(entries: Sequence[str], passphrase: str) -> bytes:
    """Return a backup of key rings, signing keys and `entries`, encrypted by `passphrase`.

    `entries` are the values of KEY_ENCRYPTION_KEYS. Raises CannotOpen if a private half does not decrypt under
    `entries`, because such a backup would be useless.
    """
    keys = parse(entries)
    _require_open(keys)
    rows = [*Ring.objects.order_by("pk"), *SigningKey.objects.order_by("pk")]
    content = {"encryption_keys": list(entries), "rows": json.loads(serializers.serialize("json", rows))}
    salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, json.dumps(content).encode(), MAGIC)
    return MAGIC + salt + nonce + sealed


def read(backup: bytes, passphrase: str) -> Backup:
    """Return the content of a backup.

    Raises CannotRestore if `backup` is not a backup or was changed, or if the passphrase is wrong.
    """
    if not backup.startswith(MAGIC):
        raise CannotRestore("the file is not a backup of signing keys")
    rest = backup[len(MAGIC) :]
    salt, nonce, sealed = rest[:SALT], rest[SALT : SALT + NONCE], rest[SALT + NONCE :]
    try:
        content = json.loads(AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, MAGIC))
    except (InvalidTag, ValueError):
        raise CannotRestore("the passphrase is wrong, or the file was changed") from None
    return Backup(tuple(content["encryption_keys"]), content["rows"])


@transaction.atomic
def restore(backup: Backup, keys: Sequence[EncryptionKey], *, actor: str, now: datetime) -> list[str]:
    """Insert the key rings and signing keys of the backup into the database, and return the kids of the keys.

    `keys` are this process's KEY_ENCRYPTION_KEYS. Raises CannotRestore if the database already has key rings or signing
    keys, and CannotOpen if a private half does not decrypt under `keys`.
    """
    if SigningKey.objects.exists() or Ring.objects.exists():
        raise CannotRestore("this database has signing keys already: restore into a new one, after migrate")
    for row in serializers.deserialize("python", backup.rows):
        row.object.save(force_insert=True)
    _require_open(keys)
    kids = list(SigningKey.objects.order_by("pk").values_list("kid", flat=True))
    trail.record("key.restored", actor=actor, subject="keys", details={"kids": kids}, now=now)
    return kids


def _require_open(keys: Sequence[EncryptionKey]) -> None:
    """Raise CannotOpen if the private half of a signing key in the database does not decrypt under `keys`."""
    for name in Ring.objects.values_list("name", flat=True):
        for stored in store.load(name):
            if stored.sealed is not None:
                stored.secret(keys)


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**17, r=8, p=1).derive(passphrase.encode())
