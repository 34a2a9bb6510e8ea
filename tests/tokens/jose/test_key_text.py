"""The formats in which a client's public keys can be pasted. A private key is recognized and refused."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import get_default_algorithms

from tests.tokens.assertions import FAMILY, jwks, private, public_jwk
from tokens.jose import key_choice, key_text, public_keys
from tokens.jose.key_format import thumbprint
from tokens.jose.public_keys import UnusableKey

BARE = {name: value for name, value in public_jwk().items() if name != "kid"}


def pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_pem(algorithm="ES256", name="own"):
    return pem(private(FAMILY[algorithm], name).public_key())


def private_pem(form=PrivateFormat.PKCS8, algorithm="RS256", seal=None):
    seal = seal or NoEncryption()
    return private(FAMILY[algorithm]).private_bytes(Encoding.PEM, form, seal).decode()


def private_jwk(algorithm="ES256"):
    return json.loads(get_default_algorithms()[algorithm].to_jwk(private(FAMILY[algorithm])))


@pytest.mark.parametrize("algorithms", [["ES256"], ["RS256", "EdDSA"]])
def test_a_jwks_is_taken_as_it_is(algorithms):
    assert key_text.read(json.dumps(jwks(*algorithms), indent=2)) == jwks(*algorithms)


@pytest.mark.parametrize("jwk", [public_jwk(), BARE, public_jwk("RS256", alg="RS256", use="sig")])
def test_a_single_jwk_becomes_a_jwks(jwk):
    assert key_text.read(f"\n{json.dumps(jwk)}\n") == {"keys": [jwk]}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_a_pem_becomes_a_jwk_that_says_nothing_of_a_name(algorithm, line):
    """The PEM has the format of RFC 7468 section 13.

    A PEM has no kid. So its key is tried for a JWS with any kid, and for a JWS without a kid.
    """
    (jwk,) = key_text.read(f"  {public_pem(algorithm).replace(chr(10), line)}")["keys"]
    expected = {name: value for name, value in public_jwk(algorithm).items() if name not in {"kid", "key_ops"}}
    assert jwk == expected | {"use": "sig"}
    (key,) = keys = public_keys.registered({"keys": [jwk]})
    assert algorithm in key.algorithms
    for kid in (None, "whatever"):
        assert key_choice.candidates(keys, kid=kid, algorithm=algorithm) == (key,)


def test_several_pems_are_several_keys_with_what_is_said_of_them_between():
    text = f"old\n{public_pem('ES256')}\nnew\n{public_pem('RS256')}"
    keys = key_text.read(text + public_pem("RS256"))["keys"]
    assert [jwk["kty"] for jwk in keys] == ["EC", "RSA"], "one that is there twice is one"
    assert [jwk["kid"] for jwk in keys] == [thumbprint(jwk) for jwk in keys]


def test_what_stands_beside_a_pem_is_not_left_out_in_silence():
    with pytest.raises(UnusableKey, match="beside a PEM public key"):
        key_text.read(public_pem() + "-----BEGIN RSA PUBLIC KEY-----\nAA==\n-----END RSA PUBLIC KEY-----")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Enter a JWKS, a JWK or a PEM public key"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@host", "Enter a JWKS, a JWK or a PEM public key"),
        ("{", "Enter a JWKS, a JWK or a PEM public key"),
        ("[]", "Enter a JWKS"),
        ("{}", "Enter a JWKS"),
        ("7", "Enter a JWKS"),
        ('{"keys": []}', "Enter a JWKS"),
        ('{"kty": "EC"}', "fit none"),
        (json.dumps(BARE | {"note": "\0"}), "lone surrogate or NUL"),
        (json.dumps(BARE | {"note": "\ud800"}), "lone surrogate or NUL"),
        (json.dumps(BARE | {"note": float("inf")}), "Infinity is no JSON"),
        ("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", "openssl x509 -pubkey -noout"),
        ("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----", "PEM is not a valid public key"),
        ("-----BEGIN PUBLIC KEY-----\nAA==\n", "Enter a JWKS, a JWK or a PEM public key; in what was read"),
        ("-----BEGIN PUBLIC KEY-----\né\n-----END PUBLIC KEY-----", "PEM is not a valid public key"),
        (pem(ec.generate_private_key(ec.SECP384R1()).public_key()), "fit none"),
        (pem(x25519.X25519PrivateKey.generate().public_key()), "fit none"),
        ("".join(pem(ec.generate_private_key(ec.SECP256R1()).public_key()) for _ in range(21)), "1 to 20 keys"),
    ],
)
def test_what_holds_no_usable_public_key_is_refused_with_its_reason(text, reason):
    with pytest.raises(UnusableKey, match=reason):
        key_text.read(text)


SECRETS = [
    private_pem(),
    private_pem(PrivateFormat.TraditionalOpenSSL),
    private_pem(PrivateFormat.TraditionalOpenSSL, "ES256"),
    private_pem(seal=serialization.BestAvailableEncryption(b"x")),
    private_pem(PrivateFormat.OpenSSH, "EdDSA"),
    public_pem() + private_pem(),
    json.dumps(private_jwk()),
    json.dumps(private_jwk("RS256")),
    json.dumps({"keys": [public_jwk(), private_jwk("EdDSA")]}),
    json.dumps({"kty": "oct", "k": "c2VjcmV0"}),
    json.dumps(private_jwk()).replace('"d"', '"\\u0064"'),
]
MANGLED = [
    json.dumps(private_jwk(), indent=1)[:-1],
    json.dumps(private_jwk()).replace('"', "'"),
    json.dumps({"key": private_jwk()}),
    f"[{json.dumps(private_jwk())}]",
    private_pem()[:400],
    private_pem().replace("-----", ""),
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_private_key_is_refused_with_what_to_do(text):
    with pytest.raises(UnusableKey, match=r"private half.*only the client may have.*Paste the public key alone"):
        key_text.read(text)


@pytest.mark.parametrize("text", SECRETS + MANGLED)
def test_what_may_hold_a_private_key_is_recognised_however_it_is_mangled(text):
    assert key_text.may_be_private(text)


@pytest.mark.parametrize("text", ["", "{", "7", public_pem(), json.dumps(jwks("RS256", "ES256", "EdDSA"))])
def test_what_holds_none_is_not_taken_for_one(text):
    assert not key_text.may_be_private(text)
