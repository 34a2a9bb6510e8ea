"""Encrypt private keys (seal), and authenticate rows of keys. Pure.

- The private half is encrypted with AES-256-GCM under a key derived from an entry of KEY_ENCRYPTION_KEYS. The row's
  columns that never change (ring, algorithm, public half) are the associated data, so a ciphertext does not
  decrypt in another row.
- Two MACs cover the row and its dates, one under KEY_ENCRYPTION_KEYS and one under SECRET_KEY. Both MACs stay if the
  private half is destroyed.
- A row that an attacker writes into the table has neither MAC, and is not published.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tokens.encryption import EncryptionKey
from tokens.keys.errors import CannotOpen
from tokens.languages import sentence

NONCE_BYTES = 12


def seal(secret: bytes, meaning: bytes, *, key: EncryptionKey) -> bytes:
    """Encrypt a private half under `key`, bound to `meaning`: the row's ring, algorithm and public half, as bytes."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key.derive("signing key")).encrypt(nonce, secret, meaning)


def unseal(sealed: bytes, meaning: bytes, *, key: EncryptionKey) -> bytes:
    """Decrypt a private half. Raises CannotOpen if ciphertext, meaning or key differ from those of `seal`."""
    try:
        return AESGCM(key.derive("signing key")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], meaning)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen(
            sentence("a private key does not decrypt: its row was changed, or KEY_ENCRYPTION_KEYS was")
        ) from error


def mac(meaning: bytes, *, key: EncryptionKey) -> bytes:
    """Return the MAC of `meaning`, a row's columns as bytes, under an encrypting key (HMAC-SHA-256)."""
    return hmac.digest(key.derive("signing key row"), meaning, "sha256")


def vouch(meaning: bytes, *, secret: str) -> bytes:
    """Return the MAC of `meaning`, a row's columns as bytes, under `secret` (HMAC-SHA-256).

    `secret` is SECRET_KEY or one of its fallbacks.
    """
    # This MAC authenticates the public half. So if KEY_ENCRYPTION_KEYS is lost, the public half stays published, and
    # tokens still verify.
    key = hmac.digest(secret.encode(), b"keyturn signing key row", "sha256")
    return hmac.digest(key, meaning, "sha256")
