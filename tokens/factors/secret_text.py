"""Encrypts a text secret for the database: AES-256-GCM under a key derived from KEY_ENCRYPTION_KEYS. Pure.

- The encrypted text contains the identifier of its encrypting key. The first entry of KEY_ENCRYPTION_KEYS encrypts.
- A text that another entry encrypted can be decrypted until that entry is removed from KEY_ENCRYPTION_KEYS.

Example: `seal("JBSW…", keys=keys)` returns `1.3f0a9c21.<base64url of nonce and ciphertext>`.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tokens.encryption import EncryptionKey

VERSION = "1"
PURPOSE = "second factor"
NONCE_BYTES = 12


class CannotDecrypt(ValueError):
    """A stored secret does not decrypt: its row was changed, or its entry of KEY_ENCRYPTION_KEYS was removed."""

    silent_variable_failure = True
    """Makes Django's templates ignore this error, so that the page on which a user replaces the factor still opens."""


def seal(text: str, *, keys: Sequence[EncryptionKey]) -> str:
    """Return the text encrypted under the first of `keys`."""
    nonce, key = secrets.token_bytes(NONCE_BYTES), keys[0]
    sealed = nonce + _cipher(key).encrypt(nonce, text.encode(), key.id.encode())
    return f"{VERSION}.{key.id}.{base64.urlsafe_b64encode(sealed).decode()}"


def unseal(sealed: str, *, keys: Sequence[EncryptionKey]) -> str:
    """Return the text that `seal` encrypted.

    Raises CannotDecrypt if `sealed` was changed, or if `keys` does not contain the key that encrypted it.
    """
    version, _, rest = sealed.partition(".")
    name, _, encoded = rest.partition(".")
    key = next((key for key in keys if version == VERSION and key.id == name), None)
    if key is None:
        raise CannotDecrypt("a second factor is encrypted under a key that KEY_ENCRYPTION_KEYS lacks")
    try:
        content = base64.b64decode(encoded, altchars=b"-_", validate=True)
        return _cipher(key).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], name.encode()).decode()
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise CannotDecrypt("a second factor does not decrypt: its row was changed") from error


def is_current(sealed: str, *, keys: Sequence[EncryptionKey]) -> bool:
    """Return True if the text is encrypted under the first of `keys`."""
    return sealed.startswith(f"{VERSION}.{keys[0].id}.")


def _cipher(key: EncryptionKey) -> AESGCM:
    return AESGCM(key.derive(PURPOSE))
