"""Each key of a JWKS is judged on its own. For each rule, there is a key that passes and one that fails."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from resources.jose.jwk import FAMILIES, TooManyKeys, judge, judge_all, read_jwks
from resources.jose.strict_json import Repeated
from resources.testing import SigningKey, base64url, shared_key

ALL = frozenset(FAMILIES)
RSA = shared_key().jwk
EC = SigningKey("ES256", ec.generate_private_key(ec.SECP256R1()), "ec").jwk
ED = SigningKey("EdDSA", ed25519.Ed25519PrivateKey.generate(), "ed").jwk


def but(entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**entry, **changes}.items() if value is not None}


def number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_of(bits: int, exponent: int = 65537) -> dict[str, Any]:
    return but(RSA, n=number((1 << (bits - 1)) | 1), e=number(exponent))


USABLE: dict[str, tuple[dict[str, Any], set[str]]] = {
    "RSA": (RSA, {"RS256"}),
    "EC": (EC, {"ES256"}),
    "OKP": (ED, {"EdDSA"}),
    "RSA without alg": (but(RSA, alg=None), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC without alg": (but(EC, alg=None), {"ES256"}),
    "without use": (but(RSA, use=None), {"RS256"}),
    "key_ops with verify": (but(RSA, use=None, key_ops=["verify"]), {"RS256"}),
    "members that nobody knows": (but(RSA, x5c=["AAAA"], x5t="a", exp=1, note={"a": 1}), {"RS256"}),
    "RSA of 2048 bits": (rsa_of(2048), {"RS256"}),
    "RSA of 8192 bits": (rsa_of(8192), {"RS256"}),
    "exponent 2^32 - 1": (rsa_of(2048, 2**32 - 1), {"RS256"}),
    "kid of 256 characters": (but(RSA, kid="k" * 256), {"RS256"}),
}

DROPPED: dict[str, tuple[Any, str]] = {
    "null": (None, "not an object"),
    "a list": ([RSA], "not an object"),
    "a string": ("key", "not an object"),
    "repeated members": (Repeated(RSA), "not an object"),
    "no kid": (but(RSA, kid=None), "the kid is missing, too long or not printable"),
    "an empty kid": (but(RSA, kid=""), "the kid is missing, too long or not printable"),
    "kid a number": (but(RSA, kid=1), "the kid is missing, too long or not printable"),
    "kid of 257 characters": (but(RSA, kid="k" * 257), "the kid is missing, too long or not printable"),
    "kid with a line feed": (but(RSA, kid="a\nb"), "the kid is missing, too long or not printable"),
    "no kty": (but(RSA, kty=None), "fit no algorithm"),
    "kty in lower case": (but(RSA, kty="rsa"), "fit no algorithm"),
    "kty a list": (but(RSA, kty=["RSA"]), "fit no algorithm"),
    "use enc": (but(RSA, use="enc"), "use is not sig"),
    "use a list": (but(RSA, use=["sig"]), "use is not sig"),
    "key_ops without verify": (but(RSA, key_ops=["encrypt"]), "key_ops"),
    "key_ops a string": (but(RSA, key_ops="verify"), "key_ops"),
    "alg of another type": (but(RSA, alg="ES256"), "fit no algorithm"),
    "alg HS256": (but(RSA, alg="HS256"), "fit no algorithm"),
    "alg none": (but(RSA, alg="none"), "fit no algorithm"),
    "alg a number": (but(RSA, alg=256), "fit no algorithm"),
    "alg a list": (but(RSA, alg=["RS256"]), "fit no algorithm"),
    "another curve": (but(EC, crv="P-384"), "fit no algorithm"),
    "secp256k1": (but(EC, crv="secp256k1", alg=None), "fit no algorithm"),
    "alg of another curve": (but(EC, alg="ES384"), "fit no algorithm"),
    "Ed448": (SigningKey("EdDSA", ed448.Ed448PrivateKey.generate(), "x").jwk, "fit no algorithm"),
    "X25519": (but(ED, crv="X25519"), "fit no algorithm"),
    "no n": (but(RSA, n=None), "member n"),
    "n a number": (but(RSA, n=7), "member n"),
    "n with padding": (but(RSA, n=RSA["n"] + "=="), "member n"),
    "n in another alphabet": (but(RSA, n="+/" + RSA["n"][2:]), "member n"),
    "n of a megabyte": (but(RSA, n="A" * 1_000_000), "member n"),
    "n empty": (but(RSA, n=""), "member n"),
    "RSA of 2047 bits": (rsa_of(2047), "modulus"),
    "RSA of 1024 bits": (rsa_of(1024), "modulus"),
    "RSA of 512 bits": (rsa_of(512), "modulus"),
    "RSA of 8193 bits": (rsa_of(8193), "modulus"),
    "an even modulus": (but(RSA, n=number(1 << 2047)), "modulus"),
    "exponent 1": (rsa_of(2048, 1), "exponent"),
    "exponent 3": (rsa_of(2048, 3), "exponent"),
    "exponent 65536": (rsa_of(2048, 65536), "exponent"),
    "exponent 65540": (rsa_of(2048, 65540), "exponent"),
    "exponent beyond 2^32": (rsa_of(2048, 2**32 + 1), "exponent"),
    "a point off the curve": (but(EC, y=EC["x"]), "not a valid key"),
    "a short coordinate": (but(EC, x=EC["x"][:-4]), "not a valid key"),
    "no y": (but(EC, y=None), "member y"),
    "an Ed25519 key of 31 bytes": (but(ED, x=base64url(bytes(31))), "not a valid key"),
}


@pytest.mark.parametrize("name", USABLE)
def test_a_good_key_is_usable_and_bound_to_its_algorithms(name: str) -> None:
    entry, algorithms = USABLE[name]
    verdict = judge(entry, algorithms=ALL)
    assert verdict.key
    assert (verdict.key.algorithms, verdict.problem, verdict.secret) == (algorithms, "", False)


@pytest.mark.parametrize("name", DROPPED)
def test_a_bad_key_is_dropped_with_its_reason_and_its_good_neighbour_is_not(name: str) -> None:
    entry, problem = DROPPED[name]
    bad, good = judge_all([entry, RSA], algorithms=ALL)
    assert (bad.key, bad.secret) == (None, False)
    assert problem in bad.problem
    assert good.key


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_key_with_a_private_member_is_dropped_as_leaked(member: str) -> None:
    verdict = judge(but(RSA, **{member: "AQAB"}), algorithms=ALL)
    assert (verdict.key, verdict.kid, verdict.secret) == (None, RSA["kid"], True)


def test_a_symmetric_key_is_dropped_as_leaked() -> None:
    verdict = judge({"kty": "oct", "kid": "mac", "k": "AAAA"}, algorithms=ALL)
    assert (verdict.key, verdict.secret) == (None, True)


def test_only_configured_algorithms_bind_a_key() -> None:
    assert judge(EC, algorithms=frozenset({"RS256"})).key is None
    bound = judge(but(RSA, alg=None), algorithms=frozenset({"RS256", "ES256"})).key
    assert bound
    assert bound.algorithms == {"RS256"}


def test_a_key_refuses_an_algorithm_that_it_is_not_bound_to() -> None:
    key = judge(RSA, algorithms=ALL).key
    signature = SigningKey("PS256", shared_key().private).sign(b"message")
    assert key
    assert not key.verifies("PS256", b"message", signature)
    assert key.verifies("RS256", b"message", shared_key().sign(b"message"))


def test_four_keys_under_one_kid_are_kept_and_a_fifth_is_not() -> None:
    entries = [but(rsa_of(2048 + extra), kid="same") for extra in range(5)]
    verdicts = judge_all(entries, algorithms=ALL)
    assert [bool(verdict.key) for verdict in verdicts] == [True] * 4 + [False]


def test_a_hundred_keys_are_kept_and_one_more_refuses_the_set() -> None:
    entries = [but(RSA, kid=f"k{number}") for number in range(101)]
    assert len(judge_all([*entries[:100], None], algorithms=ALL)) == 101
    with pytest.raises(TooManyKeys):
        judge_all(entries, algorithms=ALL)


def test_a_usable_key_has_the_numbers_of_its_jwk() -> None:
    public = rsa.RSAPublicNumbers(65537, (1 << 2047) | 1).public_key().public_numbers()
    key = judge(rsa_of(2048), algorithms=ALL).key
    assert key
    assert key.public_key.public_numbers() == public


def test_an_entry_with_repeated_members_leaves_the_other_keys_usable() -> None:
    body = b'{"keys":[{"kid":"a","kid":"b"},' + json.dumps(RSA).encode() + b"]}"
    assert [bool(verdict.key) for verdict in read_jwks(body, algorithms=frozenset({"RS256"}))] == [False, True]
