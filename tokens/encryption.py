"""Parses the entries of KEY_ENCRYPTION_KEYS, and derives an identifier and keys from each entry. Pure.

- The first entry encrypts new data. Each entry decrypts data that was encrypted under it.
- No entry is used as a key itself. For each purpose, a key is derived from the entry by HKDF-SHA256 (RFC 5869).
- Encrypted data is stored with the identifier of its entry. The identifier is derived, too, and reveals nothing about
  the entry.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tokens.languages import sentence

MINIMUM_BYTES = 32


class MalformedEncryptionKey(ValueError):
    """An entry of KEY_ENCRYPTION_KEYS is not base64url or has fewer than 32 bytes, or there is no entry.

    The message never contains an entry.
    """


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """An entry of KEY_ENCRYPTION_KEYS. Its `id` is stored with the data that is encrypted under the entry."""

    id: str
    secret: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes that are derived from the entry for `purpose` (RFC 5869)."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"keyturn {purpose}".encode()).derive(self.secret)


def parse(entries: Sequence[str]) -> tuple[EncryptionKey, ...]:
    """Return the encrypting keys in the order of `entries`.

    Raises MalformedEncryptionKey if there are no entries, or an entry is malformed. The message names the position of
    the malformed entry.
    """
    if not entries:
        raise MalformedEncryptionKey(sentence("KEY_ENCRYPTION_KEYS is empty"))
    return tuple(_parse(entry, position) for position, entry in enumerate(entries, start=1))


def _parse(entry: str, position: int) -> EncryptionKey:
    """Return the key of one entry of KEY_ENCRYPTION_KEYS. `position` is the number of the entry, counted from 1.

    Raises MalformedEncryptionKey if the entry is not base64url or is too short.
    """
    try:
        secret = base64.b64decode(entry + "=" * (-len(entry) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedEncryptionKey(
            sentence("entry {position} of KEY_ENCRYPTION_KEYS is not base64url", position=position)
        ) from None
    if len(secret) < MINIMUM_BYTES:
        raise MalformedEncryptionKey(
            sentence(
                "entry {position} of KEY_ENCRYPTION_KEYS has {number} bytes; at least {least} are needed",
                position=position,
                number=len(secret),
                least=MINIMUM_BYTES,
            )
        )
    unnamed = EncryptionKey(id="", secret=secret)
    return EncryptionKey(id=unnamed.derive("name")[:4].hex(), secret=secret)
