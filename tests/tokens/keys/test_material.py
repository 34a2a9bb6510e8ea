"""Key pairs, the thumbprints of public keys, and the encryption of private keys."""

import json
import time

import jwt
import pytest
from joserfc import jwk, jws
from joserfc.errors import BadSignatureError

from tokens.encryption import parse
from tokens.jose import key_format
from tokens.keys import material, seal
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
    assert key_format.thumbprint({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}) == (
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


def test_a_public_jwk_holds_the_public_numbers_and_nothing_else(pair):
    assert set(pair.jwk) == {"kty", "use", "alg", "kid", "n", "e"}
    assert pair.jwk["kid"] == pair.kid == key_format.thumbprint(pair.jwk)


def test_a_sealed_pair_opens_again(pair):
    sealed = seal.seal(pair.secret, b"row", key=KEY)
    opened = material.load(seal.unseal(sealed, b"row", key=KEY), algorithm="RS256")
    assert opened.jwk == pair.jwk


def test_an_rsa_key_loads_without_a_validation_that_holds_the_interpreter(pair):
    """Loading a key takes 0.1 ms of CPU time. A validation would add 27 ms, in which no other thread runs."""
    took = []
    for _ in range(5):
        start = time.thread_time()
        loaded = material.load(pair.secret, algorithm="RS256")
        took.append(time.thread_time() - start)
    assert loaded.jwk == pair.jwk
    assert min(took) < 0.005


@pytest.mark.parametrize(
    ("meaning", "key", "flip"), [(b"other row", KEY, False), (b"row", OTHER, False), (b"row", KEY, True)]
)
def test_another_row_another_key_or_a_changed_byte_does_not_open(pair, meaning, key, flip):
    sealed = seal.seal(pair.secret, b"row", key=KEY)
    if flip:
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    with pytest.raises(CannotOpen):
        seal.unseal(sealed, meaning, key=key)


def test_neither_the_private_half_nor_the_encrypting_key_is_ever_shown(pair):
    assert "private" not in repr(pair)
    assert "secret" not in repr(KEY)


NUMBERS = {"RS256": {"n", "e"}, "PS256": {"n", "e"}, "ES256": {"crv", "x", "y"}, "EdDSA": {"crv", "x"}}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 names it Ed25519; what is deployed says EdDSA
@pytest.mark.parametrize(
    ("algorithm", "bits"),
    [("RS256", None), ("RS256", 3072), ("RS256", 4096), ("PS256", 3072), ("ES256", None), ("EdDSA", None)],
)
def test_a_foreign_library_verifies_what_each_algorithm_signs_and_nothing_else(algorithm, bits):
    made = material.generate(algorithm, bits=bits)
    reopened = material.load(made.secret, algorithm=algorithm)
    assert reopened.jwk == made.jwk
    assert set(made.jwk) == {"kty", "use", "alg", "kid"} | NUMBERS[algorithm]
    key = jwk.JWKRegistry.import_key(made.jwk)
    assert made.kid == key.thumbprint(), "joserfc agrees on the RFC 7638 thumbprint"
    token = _compact(made, algorithm)
    assert jws.deserialize_compact(token, key, algorithms=[algorithm]).payload == b"story"
    other = jwk.JWKRegistry.import_key(material.generate(algorithm).jwk)
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(token, other, algorithms=[algorithm])
    if bits:
        assert made.private.key_size == bits


@pytest.mark.parametrize(
    ("algorithm", "bits"), [("none", None), ("HS256", None), ("RS256", 1024), ("ES256", 256), ("EdDSA", 2048)]
)
def test_an_algorithm_or_size_that_is_not_supported_is_named_with_what_is(algorithm, bits):
    with pytest.raises(ValueError, match=r"not one of|is fixed"):
        material.generate(algorithm, bits=bits)


def test_a_private_half_of_another_kind_than_the_ring_s_does_not_load():
    with pytest.raises(CannotOpen, match="not of the type"):
        material.load(material.generate("ES256").secret, algorithm="EdDSA")


def test_an_ecdsa_signature_with_a_short_number_keeps_its_64_octets():
    made = material.generate("ES256")
    lengths = {len(made.sign(str(number).encode())) for number in range(600)}
    assert lengths == {64}, "one in 128 signatures has a number with a leading zero octet"


def _compact(made, algorithm):
    head, body = (jwt.utils.base64url_encode(part) for part in (json.dumps({"alg": algorithm}).encode(), b"story"))
    return b".".join((head, body, jwt.utils.base64url_encode(made.sign(head + b"." + body)))).decode()
