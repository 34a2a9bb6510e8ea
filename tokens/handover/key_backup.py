"""A backup of the signing keys with their encrypting keys, sealed by a passphrase: one file that restores both.

- It has the rows of rings and signing keys as they are, and the values of KEY_ENCRYPTION_KEYS, without which no private
  half decrypts. A dump of the database alone lacks them.
- The file is `MAGIC`, 16 bytes of salt, 12 bytes of nonce, and AES-256-GCM under a key of the passphrase (scrypt, RFC
  7914, N = 2^17, r = 8, p = 1: 128 MiB for each guess). A changed byte is refused.
- Keys are restored into a database that has none: what was revoked since would be valid again in place of newer rows.
- Keys in an HSM stay there. Their rows are in the backup.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
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
"""Characters. Generate the passphrase: who has the file can guess as often as they like."""


class CannotRestore(Exception):
    """The backup cannot be read or restored. The message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Backup:
    """The content of a backup."""

    encryption_keys: tuple[str, ...] = field(repr=False)
    """The values of KEY_ENCRYPTION_KEYS, the first first."""
    rows: list[dict[str, Any]] = field(repr=False)
    """Rings and signing keys, as Django serializes them."""


def save(entries: Sequence[str], passphrase: str) -> bytes:
    """Return the sealed backup. `entries` are the values of KEY_ENCRYPTION_KEYS. Raises CannotOpen.

    Every private half is decrypted once, so that no backup lacks a value that its keys need.
    """
    keys = parse(entries)
    _require_open(keys)
    rows = [*Ring.objects.order_by("pk"), *SigningKey.objects.order_by("pk")]
    content = {"encryption_keys": list(entries), "rows": json.loads(serializers.serialize("json", rows))}
    salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, json.dumps(content).encode(), MAGIC)
    return MAGIC + salt + nonce + sealed


def read(backup: bytes, passphrase: str) -> Backup:
    """Return the content of a backup. Raises CannotRestore for another file, another passphrase, or a changed byte."""
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
def restore(backup: Backup, keys: Sequence[EncryptionKey], *, actor: str) -> list[str]:
    """Insert the rings and keys, and return the kids. `keys` are this process's KEY_ENCRYPTION_KEYS.

    Raises CannotRestore if the database has keys, and CannotOpen if a private half does not decrypt.
    """
    if SigningKey.objects.exists() or Ring.objects.exists():
        raise CannotRestore("this database has signing keys already: restore into a new one, after migrate")
    for row in serializers.deserialize("python", backup.rows):
        row.object.save(force_insert=True)
    _require_open(keys)
    kids = list(SigningKey.objects.order_by("pk").values_list("kid", flat=True))
    details, now = {"kids": kids}, store.database_now()
    trail.record("key.restored", actor=actor, subject="keys", details=details, now=now)
    return kids


def _require_open(keys: Sequence[EncryptionKey]) -> None:
    """Raise CannotOpen if a private half does not decrypt."""
    for name in Ring.objects.values_list("name", flat=True):
        for stored in store.load(name):
            if stored.sealed is not None:
                stored.secret(keys)


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**17, r=8, p=1).derive(passphrase.encode())
