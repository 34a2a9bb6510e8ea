"""ES256 signatures: the octets that form a signature, and the keys that verify it."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from resources.jose import es256

KEY = ec.generate_private_key(ec.SECP256R1())
MESSAGE = b"header.payload"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
LIBRARY = jwt.get_algorithm_by_name("ES256")


def joined(r: int, s: int, octets: int = 32) -> bytes:
    return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")


R, S = decode_dss_signature(KEY.sign(MESSAGE, ec.ECDSA(SHA256())))
GOOD = joined(R, S)
NEIGHBOURS = {
    "empty": b"",
    "r alone": GOOD[:32],
    "one octet less": GOOD[:-1],
    "one octet more": GOOD + b"\0",
    "a zero before each number": joined(R, S, 33),
    "DER": encode_dss_signature(R, S),
    "r and s swapped": joined(S, R),
    "r is 0": joined(0, S),
    "s is 0": joined(R, 0),
    "both are 0": joined(0, 0),
    "r is the order": joined(ORDER, S),
    "s is the order": joined(R, ORDER),
    "the largest numbers": b"\xff" * 64,
    "a changed bit": bytes([GOOD[0] ^ 1]) + GOOD[1:],
}


def test_a_signature_of_the_key_verifies():
    assert es256.verifies(KEY.public_key(), MESSAGE, GOOD)
    assert es256.verifies(KEY.public_key(), MESSAGE, joined(R, ORDER - S)), "ECDSA has two signatures for each"


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_neighbour_of_the_signature_is_refused(name):
    assert not es256.verifies(KEY.public_key(), MESSAGE, NEIGHBOURS[name])


def test_another_message_or_key_is_refused():
    assert not es256.verifies(KEY.public_key(), MESSAGE + b" ", GOOD)
    assert not es256.verifies(ec.generate_private_key(ec.SECP256R1()).public_key(), MESSAGE, GOOD)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_a_key_of_another_curve_is_refused_although_it_signed(curve):
    key = ec.generate_private_key(curve)
    r, s = decode_dss_signature(key.sign(MESSAGE, ec.ECDSA(SHA256())))
    for octets in (32, (curve.key_size + 7) // 8):
        signature = joined(r % 2**256, s % 2**256, octets) if octets == 32 else joined(r, s, octets)
        assert not es256.verifies(key.public_key(), MESSAGE, signature)


def test_a_key_of_another_kind_is_refused():
    key = rsa.generate_private_key(65537, 2048)
    assert not es256.verifies(key.public_key(), MESSAGE, GOOD)


@given(st.binary(max_size=80), st.binary(min_size=62, max_size=66))
def test_verification_agrees_with_pyjwt(message, signature):
    public = KEY.public_key()
    assert es256.verifies(public, message, signature) == LIBRARY.verify(message, public, signature)
    signed = LIBRARY.sign(message, KEY)
    assert es256.verifies(public, message, signed)
