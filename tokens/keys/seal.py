"""Seal private keys, and authenticate rows of keys. Pure.

- The private half is encrypted with AES-256-GCM under a key derived from an entry of KEY_ENCRYPTION_KEYS. The row's
  other columns are the associated data, so a ciphertext opens in its own row only.
- Two MACs cover the row and stay if the private half is destroyed: one under KEY_ENCRYPTION_KEYS, one under SECRET_KEY.
- A row that an attacker writes into the table has neither, and is not published.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tokens.encryption import EncryptionKey
from tokens.keys.errors import CannotOpen

NONCE_BYTES = 12


def seal(secret: bytes, meaning: bytes, *, key: EncryptionKey) -> bytes:
    """The private half encrypted under `key` and bound to `meaning`, the row's other columns as bytes."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key.derive("signing key")).encrypt(nonce, secret, meaning)


def unseal(sealed: bytes, meaning: bytes, *, key: EncryptionKey) -> bytes:
    """The inverse of `seal`; raises CannotOpen when the ciphertext, the meaning or the key is another."""
    try:
        return AESGCM(key.derive("signing key")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], meaning)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("a private key does not decrypt: its row was changed, or KEY_ENCRYPTION_KEYS was") from error


def mac(meaning: bytes, *, key: EncryptionKey) -> bytes:
    """A keyed MAC of the row's meaning (HMAC-SHA-256)."""
    return hmac.digest(key.derive("signing key row"), meaning, "sha256")


def vouch(meaning: bytes, *, secret: str) -> bytes:
    """A second MAC, under a secret that has nothing to do with the encrypting keys.

    It keeps public halves published where KEY_ENCRYPTION_KEYS is not what it was, and signs nothing.
    """
    key = hmac.digest(secret.encode(), b"keyturn signing key row", "sha256")
    return hmac.digest(key, meaning, "sha256")
