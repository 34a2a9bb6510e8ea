"""The encryption keys keep their order. Their ids reveal no secret, and each purpose gets a derived key of its own."""

import pytest

from tokens.encryption import MalformedEncryptionKey, parse

GOOD = "A" * 43


def test_keys_keep_their_order_and_have_different_names_and_derived_keys():
    first, second = parse([GOOD, "B" * 43])
    assert first.secret == bytes(32)
    assert first.id != second.id
    assert len({first.derive("seal"), first.derive("name"), second.derive("seal")}) == 3
    assert parse([GOOD]) == (first,)


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
