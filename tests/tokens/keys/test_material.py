"""Key pairs, thumbprints and the seal."""

import pytest

from tokens.encryption import parse
from tokens.keys import material
from tokens.keys.errors import CannotOpen

KEY, OTHER = parse(["A" * 43, "B" * 43])


@pytest.fixture(scope="module")
def pair():
    return material.generate("RS256")


def test_the_thumbprint_is_that_of_rfc_7638_section_3_1():
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
        "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpb"
        "ISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert material.thumbprint({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}) == (
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


def test_a_public_jwk_holds_the_public_numbers_and_nothing_else(pair):
    assert set(pair.jwk) == {"kty", "use", "alg", "kid", "n", "e"}
    assert pair.jwk["kid"] == pair.kid == material.thumbprint(pair.jwk)


def test_a_sealed_pair_opens_again(pair):
    sealed = material.seal(pair, b"row", key=KEY)
    assert material.open_seal(sealed, b"row", algorithm="RS256", key=KEY).jwk == pair.jwk


@pytest.mark.parametrize(
    ("meaning", "key", "flip"), [(b"other row", KEY, False), (b"row", OTHER, False), (b"row", KEY, True)]
)
def test_another_row_another_key_or_a_changed_byte_does_not_open(pair, meaning, key, flip):
    sealed = material.seal(pair, b"row", key=KEY)
    if flip:
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with pytest.raises(CannotOpen):
        material.open_seal(sealed, meaning, algorithm="RS256", key=key)


def test_neither_the_private_half_nor_the_encrypting_key_is_ever_shown(pair):
    assert "private" not in repr(pair)
    assert "secret" not in repr(KEY)
