"""The encrypting keys (KEY_ENCRYPTION_KEYS): parsing, naming, and one derived key per purpose. Pure.

The first entry protects what is written from now on, every entry opens what was written under it. An entry is never
used itself: each purpose gets a key of its own by HKDF-SHA256 (RFC 5869).
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MINIMUM_BYTES = 32


class MalformedEncryptionKey(ValueError):
    """An entry of KEY_ENCRYPTION_KEYS is not base64url, or is shorter than 32 bytes. The message never shows it."""


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """One entry of KEY_ENCRYPTION_KEYS; `id` names it beside what it protects and tells nothing about it."""

    id: str
    secret: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose (RFC 5869); equal only for the same entry and the same purpose."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"keyturn {purpose}".encode()).derive(self.secret)


def parse(entries: Sequence[str]) -> tuple[EncryptionKey, ...]:
    """The encrypting keys, in the order given; raises MalformedEncryptionKey naming the entry by its position."""
    if not entries:
        raise MalformedEncryptionKey("KEY_ENCRYPTION_KEYS is empty")
    return tuple(_parse(entry, position) for position, entry in enumerate(entries, start=1))


def _parse(entry: str, position: int) -> EncryptionKey:
    try:
        secret = base64.b64decode(entry + "=" * (-len(entry) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedEncryptionKey(f"entry {position} of KEY_ENCRYPTION_KEYS is not base64url") from None
    if len(secret) < MINIMUM_BYTES:
        raise MalformedEncryptionKey(
            f"entry {position} of KEY_ENCRYPTION_KEYS has {len(secret)} bytes; at least {MINIMUM_BYTES} are needed"
        )
    unnamed = EncryptionKey(id="", secret=secret)
    return EncryptionKey(id=unnamed.derive("name")[:4].hex(), secret=secret)
