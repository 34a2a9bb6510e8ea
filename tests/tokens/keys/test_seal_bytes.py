"""The bytes of seals and MACs stay the same, so that an issuer reads the rows that an earlier version wrote.

The expected bytes were computed with HMAC-SHA-256 and AES-256-GCM alone.
"""

from tokens.encryption import EncryptionKey
from tokens.keys import seal

KEY = EncryptionKey("one", bytes(range(32)))
SEALED = "00000000000000000000000042b4c6c08245d54c4a16355bc2441668c73ae47a690fb57fbeaca015"


def test_a_private_half_that_was_sealed_before_is_decrypted() -> None:
    assert seal.unseal(bytes.fromhex(SEALED), b"row", key=KEY) == b"private half"


def test_the_mac_of_a_row_is_the_same() -> None:
    assert seal.mac(b"row", key=KEY).hex() == "6b020ade88969677b0754347ef5cfdcecfc3818624cd0598dbeae6bbc6fefc57"


def test_the_mac_under_the_secret_key_is_the_same() -> None:
    assert seal.vouch(b"row", secret="s").hex() == "95fd75a474e2f7ef0fe5d567c8906b529efb6bfee9cecd2b818061d3cc2519d5"
