"""The checks of a DPoP proof (RFC 9449 section 4.3).

For each check, there is a proof that fails only this check, and a similar one that passes.
"""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.tokens.proofs import Key, encoded
from tokens.dpop import proof
from tokens.dpop.proof import InvalidProof, NonceRefused, ProofContext

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
URL = "https://issuer.example/oauth/token"
CONTEXT = ProofContext(method="POST", url=URL, now=NOW)
KEYS = {algorithm: Key(algorithm) for algorithm in proof.ALGORITHMS}
KEY = KEYS["ES256"]


def made(key=KEY, **changes):
    return key.proof(changes.pop("htm", "POST"), changes.pop("htu", URL), **{"iat": AT} | changes)


def refusal(text, context=CONTEXT):
    with pytest.raises(InvalidProof) as caught:
        proof.check(text, context)
    return str(caught.value)


@pytest.mark.parametrize("algorithm", proof.ALGORITHMS)
def test_a_right_proof_of_each_algorithm_names_its_key_and_its_identifier(algorithm):
    key = KEYS[algorithm]
    assert proof.check(made(key, jti="once"), CONTEXT) == proof.Proof(key.thumbprint, "once")


@pytest.mark.parametrize("length", [1, 255])
def test_an_identifier_of_the_least_and_the_greatest_length_is_accepted(length):
    assert proof.check(made(jti="x" * length), CONTEXT).token_id == "x" * length


def test_the_thumbprint_is_that_of_the_example_in_the_rfc():
    jwk = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    assert proof._key(jwk, "ES256")[1] == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c.d", f"{made()},{made()}", f"{made()} ", f" {made()}", made() + "A" * 8192]
)
def test_a_header_that_is_not_a_single_jwt_is_refused(text):
    assert "it is not a single JWT" in refusal(text)


@pytest.mark.parametrize("name", ["jti", "htm", "htu", "iat"])
def test_each_required_claim_must_be_there(name):
    assert refusal(made(without=[name])) == f"its {name} is missing or malformed"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"jti": 1}, "its jti is missing or malformed"),
        ({"jti": ""}, "its jti is empty, or longer than 255 characters"),
        ({"jti": "x" * 256}, "its jti is empty, or longer than 255 characters"),
        ({"htm": ["POST"]}, "its htm is missing or malformed"),
        ({"htu": None}, "its htu is missing or malformed"),
        ({"iat": True}, "its iat is missing or malformed"),
        ({"iat": str(AT)}, "its iat is missing or malformed"),
        ({"iat": 1e300}, "its iat is missing or malformed"),
        ({"iat": -1}, "its iat is missing or malformed"),
        ({"nonce": 5}, "its nonce is malformed"),
        ({"nonce": None}, "its nonce is malformed"),
    ],
)
def test_a_claim_of_another_type_is_refused(claims, reason):
    assert refusal(made(**claims)) == reason


@pytest.mark.parametrize("typ", ["jwt", "JWT", "DPOP+JWT", "application/dpop+jwt", "at+jwt", "", None, 1, ["dpop+jwt"]])
def test_another_type_is_refused(typ):
    assert refusal(made(header={"typ": typ})) == "its typ is not dpop+jwt"


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", "ES256K", "es256", "RS512", "", None, 7, ["ES256"]])
def test_another_algorithm_is_refused(alg):
    assert refusal(made(header={"alg": alg})).startswith("its alg is not one of ES256, Ed25519, EdDSA, PS256, RS256")


def test_a_symmetric_key_is_refused():
    assert "private half" in refusal(made(header={"jwk": {"kty": "oct", "k": encoded(b"x" * 32)}}))


def test_an_extension_that_is_critical_is_refused():
    assert "crit" in refusal(made(header={"crit": ["exp"], "exp": AT}))


def test_a_signature_by_another_key_is_refused():
    assert "signature" in refusal(made(header={"jwk": Key().jwk}))


@pytest.mark.parametrize("part", [0, 1])
def test_a_changed_proof_is_refused(part):
    parts = made().split(".")
    content = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    parts[part] = encoded(json.dumps(content | {"more": 1}).encode())
    assert "signature" in refusal(".".join(parts))


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_the_algorithm_of_the_header_verifies_and_no_other_of_the_same_key(algorithm):
    other = "PS256" if algorithm == "RS256" else "RS256"
    assert "signature" in refusal(made(KEYS[algorithm], header={"alg": other}))


@pytest.mark.parametrize("alg", ["RS256", "PS256", "EdDSA", "Ed25519"])
def test_a_key_of_another_kind_than_the_algorithm_is_refused(alg):
    assert refusal(made(header={"alg": alg})) == "its jwk is of another kind than its alg"


def test_a_key_that_names_its_algorithm_signs_by_that_one():
    assert proof.check(made(header={"jwk": KEY.jwk | {"alg": "ES256", "use": "sig", "kid": "k"}}), CONTEXT)
    edwards = KEYS["Ed25519"]
    for alg in ("Ed25519", "EdDSA"):
        assert proof.check(made(edwards, header={"jwk": edwards.jwk | {"alg": alg}}), CONTEXT)
    rsa = KEYS["RS256"]
    assert "another kind" in refusal(made(rsa, header={"jwk": rsa.jwk | {"alg": "PS256"}}))


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "x",
        [KEY.jwk],
        {},
        KEY.jwk | {"d": "AA"},
        KEY.jwk | {"use": "enc"},
        KEY.jwk | {"key_ops": ["sign"]},
        KEY.jwk | {"alg": "HS256"},
        KEY.jwk | {"alg": ["Ed25519"]},
        KEY.jwk | {"crv": "P-384"},
        KEY.jwk | {"kty": "RSA"},
        KEY.jwk | {"y": KEY.jwk["x"]},
        KEY.jwk | {"x": KEY.jwk["x"] + "="},
        KEY.jwk | {"x": 5},
        KEYS["RS256"].jwk | {"e": "AQ"},
        KEYS["RS256"].jwk | {"n": "AA" + KEYS["RS256"].jwk["n"]},
    ],
)
def test_a_key_that_is_private_malformed_or_weak_is_refused(jwk):
    alg = "RS256" if isinstance(jwk, dict) and jwk.get("kty") == "RSA" else "ES256"
    assert "jwk" in refusal(made(KEYS[alg], header={"jwk": jwk}))


def test_an_rsa_exponent_in_another_spelling_is_refused():
    key = KEYS["RS256"]
    assert "RFC 7518" in refusal(made(key, header={"jwk": key.jwk | {"e": "AAEAAQ"}}))


@pytest.mark.parametrize("htm", ["GET", "post", "POST ", ""])
def test_a_proof_for_another_method_is_refused(htm):
    assert refusal(made(htm=htm)) == "its htm is not the method of the request"


def test_a_proof_for_another_url_is_refused_and_for_another_spelling_of_it_not():
    assert refusal(made(htu="https://other.example/oauth/token")) == "its htu is not the URL of the request"
    assert refusal(made(htu="https://issuer.example/oauth/userinfo")) == "its htu is not the URL of the request"
    assert refusal(made(htu="none")) == "its htu is not the URL of the request"
    assert proof.check(made(htu="HTTPS://issuer.example:443/oauth/token?x"), CONTEXT)


@pytest.mark.parametrize(("seconds", "passes"), [(-61, False), (-60, True), (0.5, True), (60, True), (61, False)])
def test_the_time_of_issue_is_within_a_minute_of_now(seconds, passes):
    if passes:
        assert proof.check(made(iat=AT + seconds), CONTEXT)
    else:
        assert refusal(made(iat=AT + seconds)) == "its iat is more than 60 s from the issuer's clock"


def test_a_nonce_of_the_issuer_dates_the_proof_instead_of_its_time():
    dated = replace(CONTEXT, nonces=("ours", "before"), requires_nonce=True)
    assert proof.check(made(nonce="ours"), dated)
    assert proof.check(made(nonce="before", iat=AT - 90_000), dated)


@pytest.mark.parametrize("requires_nonce", [True, False])
@pytest.mark.parametrize("nonce", ["", "other", "Ours", "\u00fcber"])
def test_a_nonce_of_another_issuer_is_refused_also_if_none_is_required(nonce, requires_nonce):
    with pytest.raises(NonceRefused):
        proof.check(made(nonce=nonce), replace(CONTEXT, nonces=("ours",), requires_nonce=requires_nonce))


def test_a_proof_without_a_nonce_is_refused_if_one_is_required():
    with pytest.raises(NonceRefused):
        proof.check(made(iat=AT - 90_000), replace(CONTEXT, nonces=("ours",), requires_nonce=True))


def test_a_forged_proof_without_a_nonce_is_forged_first():
    forged = made(header={"jwk": Key().jwk})
    assert "signature" in refusal(forged, replace(CONTEXT, nonces=("ours",), requires_nonce=True))


@pytest.mark.parametrize("ath", [proof.token_hash("other"), "", None, 5, proof.token_hash("token") + "="])
def test_the_hash_of_the_access_token_must_be_there_if_there_is_one(ath):
    with_token = replace(CONTEXT, access_token="token")
    assert proof.check(made(ath=proof.token_hash("token")), with_token)
    assert refusal(made(ath=ath), with_token) == "its ath is not the hash of the access token"
    assert refusal(made(), with_token) == "its ath is not the hash of the access token"


def test_the_hash_of_an_access_token_is_that_of_the_example_in_the_rfc():
    text = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert proof.token_hash(text) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
