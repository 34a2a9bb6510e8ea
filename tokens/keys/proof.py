"""Prove that keys work before a step relies on them.

1. The row verifies: this issuer wrote it, and it was not changed since.
2. The private half can be decrypted.
3. The private half belongs to the public half: its signature verifies under the public half.

If CannotOpen is raised, the caller must abandon its step. So a broken key is reported, and not silently replaced.
"""

from collections.abc import Sequence

from tokens.encryption import EncryptionKey
from tokens.keys.errors import CannotOpen
from tokens.keys.key_pair import KeyPair, verifies
from tokens.keys.store import StoredKey
from tokens.languages import sentence

PROBE = b"keyturn probe"


def prove_all(rows: Sequence[StoredKey], keys: Sequence[EncryptionKey]) -> None:
    """Verify each row, and prove that its private half matches its public half, as `prove` does.

    Raises CannotOpen if a row does not verify, or a private half cannot be decrypted or does not match.
    """
    for row in rows:
        prove(row, keys)


def prove(row: StoredKey, keys: Sequence[EncryptionKey]) -> None:
    """Verify the row of a key, and prove that its private half matches its public half.

    Skips the private half if it is destroyed, or if the key is revoked or cancelled. Raises CannotOpen if the row does
    not verify, or the private half does not decrypt or match.
    """
    if not row.verifies(keys):
        raise CannotOpen(
            sentence(
                "the row of {kid} does not verify under KEY_ENCRYPTION_KEYS: either these are not the ones"
                " that it was written under ({key_id}; put the old value back, after the new one), or the row"
                " was changed by hand",
                kid=row.key.kid,
                key_id=row.encryption_key_id,
            )
        )
    if row.sealed is not None and not row.key.discarded:
        probe(row.open(keys))


def probe(pair: KeyPair) -> None:
    """Sign a message, and verify the signature under the public half.

    Raises CannotOpen if the pair cannot sign, or if the signature does not verify.
    """
    if not verifies(pair.sign(PROBE), PROBE, pair.jwk):
        raise CannotOpen(
            sentence("the private half of {kid} does not belong to its public half: nothing was changed", kid=pair.kid)
        )
