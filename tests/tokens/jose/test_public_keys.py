"""The public keys of a client that can be used.

For each usable key, there are similar keys that are refused, each with its reason.
"""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm, get_default_algorithms

from tests.tokens.assertions import private, public_jwk
from tokens.jose import public_keys
from tokens.jose.public_keys import LeakedKey, UnusableKey


def rsa_jwk(bits=2048, exponent=65537):
    return json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(exponent, bits).public_key()))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_is_usable(algorithm):
    (key,) = public_keys.registered({"keys": [public_jwk(algorithm, kid="k" * 255)]})
    assert algorithm in key.algorithms


def test_a_key_verifies_no_algorithm_other_than_its_own():
    key = public_keys.read(public_jwk("RS256", alg="RS256"))
    made = {each: get_default_algorithms()[each].sign(b"text", private("RSA", "own")) for each in ("RS256", "PS256")}
    assert {each: key.verifies(each, b"text", made[each]) for each in made} == {"RS256": True, "PS256": False}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (7, "not a JSON object"),
        (json.loads(RSAAlgorithm.to_jwk(private("RSA"))), "private half"),
        ({"kty": "oct", "k": "AAAA"}, "private half"),
        (public_jwk(use="enc"), "not for signatures"),
        (public_jwk(key_ops=["sign"]), "not for signatures"),
        (public_jwk(key_ops=7), "not for signatures"),
        (public_jwk(kid=7), "kid"),
        (public_jwk(kid=""), "kid"),
        (public_jwk(kid="k" * 256), "kid"),
        (public_jwk(crv="P-384"), "fit none"),
        (public_jwk(crv=[]), "fit none"),
        (public_jwk(kty=None), "fit none"),
        (public_jwk(alg="RS256"), "fit none"),
        (public_jwk(alg=["ES256"]), "fit none"),
        (public_jwk("EdDSA", crv="Ed448"), "fit none"),
        (public_jwk(x=None), "missing or malformed"),
        (public_jwk(x="A" * 1401), "missing or malformed"),
        (public_jwk(x="A" * 1400), "not a valid key"),
        (public_jwk(x="AAAA"), "not a valid key"),
        (rsa_jwk(bits=1024), "2048 to 8192 bits"),
        (rsa_jwk(exponent=3), "exponent 65537"),
    ],
)
def test_a_neighbour_of_a_usable_key_is_skipped_with_its_reason(entry, reason):
    document = {"keys": [public_jwk(), entry]}
    assert len(public_keys.published(document)) == 1
    with pytest.raises(UnusableKey, match=reason):
        public_keys.registered({"keys": [entry]})
    if reason == "private half":
        with pytest.raises(LeakedKey, match=reason):
            public_keys.registered(document)
    else:
        assert len(public_keys.registered(document)) == len(public_keys.names(document)) == 1
        assert len(public_keys.skipped(document)) == 1
        assert public_keys.skipped(document)[0].startswith("Key 2")
        assert reason in public_keys.skipped(document)[0]


def test_a_skipped_key_is_named_by_its_kid_if_that_is_printable():
    entries = [public_jwk(kid="old", use="enc"), public_jwk(kid="\x1b[2J", use="enc"), public_jwk()]
    reasons = public_keys.skipped({"keys": entries})
    remedy = 'Set use to "sig" and key_ops to ["verify"], or leave them out.'
    assert reasons == [
        f"Key 1 (kid old) is not used. A key is not for signatures. {remedy}",
        f"Key 2 is not used. A key is not for signatures. {remedy}",
    ]


def test_a_coordinate_without_its_leading_zero_is_refused_and_the_message_gives_its_length():
    """Authlib 1.9.10 writes such a JWK for one EC key in 128 (findings/authlib-leading-zero.sh)."""
    numbers = (ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers() for number in range(1, 5000))
    x, y = next((each.x, each.y) for each in numbers if each.x < 2**248)
    entry = {"kty": "EC", "crv": "P-256", "y": encoded(y, 32)}
    assert public_keys.registered({"keys": [entry | {"x": encoded(x, 32)}]})
    with pytest.raises(UnusableKey, match="A coordinate has 32 bytes with its leading zeros, which are 43 characters"):
        public_keys.registered({"keys": [entry | {"x": encoded(x, 31)}]})


def encoded(number, length):
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).rstrip(b"=").decode()


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}])
def test_what_is_no_jwks_is_refused(document):
    for reader in (public_keys.registered, public_keys.published):
        with pytest.raises(UnusableKey, match="JWKS"):
            reader(document)


@pytest.mark.parametrize("number", [0, 21])
def test_a_jwks_that_is_pasted_has_one_to_twenty_keys(number):
    with pytest.raises(UnusableKey, match="1 to 20 keys"):
        public_keys.registered({"keys": [public_jwk()] * number})


def numbered(number):
    return [public_jwk(kid=str(index)) for index in range(number)]


@pytest.mark.parametrize(
    ("entries", "usable"),
    [
        pytest.param([], 0, id="none: the client took its keys away"),
        pytest.param([{"kty": "oct", "k": "AA"}], 0, id="none that is usable"),
        pytest.param(numbered(100), 100, id="as many as an API takes of an issuer"),
        pytest.param(numbered(100) + [{"kty": "oct", "k": "AA"}, 7] * 500, 100, id="and any number of others"),
        pytest.param([public_jwk()] * 5, 4, id="four of one kid"),
        pytest.param([public_jwk()] * 200 + numbered(96), 100, id="however often it is there"),
    ],
)
def test_of_a_jwks_that_is_published_the_usable_keys_are_used(entries, usable):
    assert len(public_keys.published({"keys": entries})) == usable


def test_a_jwks_of_too_many_usable_keys_is_refused_whole():
    with pytest.raises(UnusableKey, match="more than 100"):
        public_keys.published({"keys": numbered(101)})


def test_keys_are_named_by_their_kid_and_thumbprint():
    """`names` returns the kid of each key, if it has one, and its thumbprint.

    The key and the thumbprint of the test are those of RFC 8037 appendix A.3.
    """
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    names = public_keys.names({"keys": [key | {"kid": "one"}, key]})
    thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert names == [f"one {thumbprint}", thumbprint]
