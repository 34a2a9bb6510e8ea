"""Cache the decrypted key pairs of a key ring, so that reading the ring again decrypts only changed keys.

A cached pair saves the decryption and parsing of the private half. It also keeps the values that its first signature
computed, so that later signatures are faster.

Rules:
- A pair is kept as long as its row has the same ciphertext, under an encrypting key that this process has.
- A pair is dropped at the next reading if its key is revoked, cancelled or destroyed, or if its row does not verify.
- Pairs of a PKCS#11 token are not cached. Each reading loads them again, so that a token without the key is noticed.
"""

import hashlib
from collections.abc import Callable, Sequence

from tokens.encryption import EncryptionKey
from tokens.keys.errors import CannotOpen
from tokens.keys.key_pair import KeyPair
from tokens.keys.private_keys import DATABASE
from tokens.keys.store import StoredKey

_kept: dict[str, dict[bytes, KeyPair]] = {}
"""The pairs of the last reading of each key ring, by `_fingerprint`. Lives as long as the process."""


def opened(
    ring: str, rows: Sequence[StoredKey], keys: Sequence[EncryptionKey], failed: Callable[[StoredKey, CannotOpen], None]
) -> dict[str, KeyPair]:
    """Return the key pairs of the ring's rows by kid. Rows that cannot be opened are left out.

    Calls `failed(row, error)` for each row whose opening raises CannotOpen.
    """
    before, now, pairs = _kept.get(ring, {}), {}, {}
    for row in rows:
        name = _fingerprint(row, keys)
        pair = before.get(name) if name else None
        if pair is None:
            try:
                pair = row.open(keys)
            except CannotOpen as error:
                failed(row, error)
                continue
        if name:
            now[name] = pair
        pairs[row.key.kid] = pair
    _kept[ring] = now
    return pairs


def _fingerprint(row: StoredKey, keys: Sequence[EncryptionKey]) -> bytes | None:
    """Return the digest under which the cache keeps the row's key pair, or None if the pair must not be cached.

    The digest covers the ciphertext, the columns that never change (`identity`), the kid and the encrypting key. A pair
    must not be cached if it is in a PKCS#11 token, if its private half is destroyed, or if the row's encrypting key is
    not among `keys`.
    """
    under = next((key for key in keys if key.id == row.encryption_key_id), None)
    if row.keystore != DATABASE or row.sealed is None or under is None:
        return None
    parts = (row.sealed, row.identity(), row.key.kid.encode(), under.secret)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
