"""The encryption keys keep their order. Their ids reveal no secret, and each purpose gets a derived key of its own."""

import pytest

from tokens.encryption import MalformedEncryptionKey, parse

GOOD = "A" * 43
DERIVED = {
    "signing key": "f19c97c009e21bb201f2997c321f4fd6b2ee831b25f88bf7bbc6c543d926ce02",
    "signing key row": "b16b0697dbf9e2315ee0f3f088821c62986493eea5f35775f6ec4b6492de3957",
}
"""RFC 5869 with SHA-256, computed with HMAC alone: the key of private halves, and that of the MACs of rows."""


def test_keys_keep_their_order_and_have_different_names_and_derived_keys():
    first, second = parse([GOOD, "B" * 43])
    assert first.secret == bytes(32)
    assert first.id != second.id
    assert len({first.derive("seal"), first.derive("name"), second.derive("seal")}) == 3
    assert parse([GOOD]) == (first,)


def test_the_derived_keys_stay_those_with_which_stored_rows_were_encrypted():
    """With another derived key, no row of an issuer that is upgraded could be decrypted or verified."""
    (key,) = parse(["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"])
    assert key.secret == bytes(range(32))
    assert {purpose: key.derive(purpose).hex() for purpose in DERIVED} == DERIVED


def test_the_text_of_a_key_contains_no_secret():
    (key,) = parse(["W" * 43])
    assert key.secret.hex() not in repr(key)
    assert "secret" not in repr(key)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "is empty"),
        ([GOOD, "A" * 42], "entry 2 of KEY_ENCRYPTION_KEYS has 31 bytes"),
        ([GOOD, "A" * 42 + "!"], "entry 2 of KEY_ENCRYPTION_KEYS is not base64url"),
        (["A" * 41], "entry 1 of KEY_ENCRYPTION_KEYS is not base64url"),
    ],
)
def test_a_malformed_entry_is_named_by_its_position_and_not_repeated(entries, message):
    with pytest.raises(MalformedEncryptionKey, match=message) as refused:
        parse(entries)
    assert "AAAA" not in str(refused.value)
