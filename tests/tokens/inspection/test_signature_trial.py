"""The search for the published key that verifies an inspected token."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.resources.loopback import Loopback
from tests.tokens.fuzz import EXAMPLES, anything, bounded
from tests.tokens.inspection.tokens import ISSUER, JWK, NOW, PRIVATE, failed, make, run
from tokens.inspection.report import inspect
from tokens.inspection.signature_trial import VerificationKey

OTHER = rsa.generate_private_key(65537, 2048)
OTHER_JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OTHER.public_key()))
PAIR = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE))
SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 (too short on purpose)
SHORT_JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SHORT.public_key()))
BARE = {name: JWK[name] for name in ("kty", "n", "e")}
EC = ec.generate_private_key(ec.SECP256R1())
EC_JWK = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key()))
OKP = ed25519.Ed25519PrivateKey.generate()
OKP_JWK = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(OKP.public_key()))


def verdict(text, *jwks):
    return inspect(text, issuer=ISSUER, keys=[VerificationKey(jwk) for jwk in jwks], now=NOW).signature


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"use": "enc"}, "its key is not for signatures"),
        ({"use": 7}, "its key is not for signatures"),
        ({"key_ops": ["encrypt"]}, "its key is not for signatures"),
        ({"key_ops": "verify"}, "its key is not for signatures"),
        ({"alg": "RS512"}, "its alg is not that of the key"),
        ({"alg": ["RS256"]}, "its alg is not that of the key"),
        ({"kty": "EC"}, "its alg is not that of the key"),
        ({"kty": ["RSA"]}, "its alg is not that of the key"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "private half"),
        (PAIR, "private half"),
        ({"n": 7}, "its key is malformed"),
        ({"n": "AA"}, "its key is malformed"),
        ({"n": "é"}, "its key is malformed"),
        ({"n": "A" * 200_000}, "its key is malformed"),
        ({"e": None}, "its key is malformed"),
        ({"n": "AQAB"}, "its key is malformed"),
        (SHORT_JWK, "fewer than 2048 bits"),
        ({"kid": ["k"]}, "no published key has its kid"),
        ({"kid": "l"}, "no published key has its kid"),
    ],
)
def test_a_key_that_may_not_verify_is_not_used(changed, reason):
    """A key is not tried if its JWK is malformed or forbids verification, for example by `use`. The verdict says why.

    The members that permit a use are in RFC 7517 sections 4.1 to 4.4.
    """
    assert verdict(make(), {**JWK, **changed}) != "verified"
    assert reason in verdict(make(), {**JWK, **changed})
    assert verdict(make(), {**JWK, **changed}, JWK) == "verified", "the next key of that kid does"


@pytest.mark.parametrize(
    "jwk", [JWK, {**BARE, "kid": "k"}, {**JWK, "use": "sig", "key_ops": ["verify"]}, {**JWK, "alg": "RS256", "x5c": 7}]
)
def test_a_key_that_may_verify_is_used(jwk):
    assert verdict(make(), jwk) == "verified"


@pytest.mark.parametrize("order", [1, -1])
def test_every_key_of_one_kid_is_tried(order):
    same = [{**OTHER_JWK, "kid": "k"}, JWK][::order]
    assert verdict(make(), *same) == "verified"
    assert verdict(make(key=OTHER), *same) == "verified"


def test_no_more_than_four_keys_of_one_kid_are_tried():
    others = [{**OTHER_JWK, "kid": "k"}] * 3
    assert verdict(make(), *others, JWK) == "verified"
    assert verdict(make(), *others, others[0], JWK) == "it does not verify by any of 4 keys"
    unfit = [{**EC_JWK, "kid": "k"}, {**JWK, "use": "enc"}, {**JWK, "alg": "PS256"}]
    assert verdict(make(), *others, *unfit, JWK) == "verified", "only what may verify counts"


def test_without_a_kid_every_fitting_key_is_tried_and_its_absence_stays_an_advice():
    keys = [EC_JWK, {**JWK, "use": "enc"}, {**OTHER_JWK, "kid": "l"}, JWK, OKP_JWK]
    for key, algorithm in ((PRIVATE, "RS256"), (OTHER, "RS256"), (EC, "ES256"), (OKP, "EdDSA")):
        text = make(kid=None, key=key, algorithm=algorithm)
        inspected = inspect(text, issuer=ISSUER, keys=[VerificationKey(jwk) for jwk in keys], now=NOW)
        assert (inspected.signature, failed(inspected), inspected.conforms) == ("verified", ["kid names the key"], True)
    others = [OTHER_JWK] * 4
    assert verdict(make(kid=None), *others[1:], JWK) == "verified"
    assert verdict(make(kid=None), *others, JWK) == "it does not verify by any of 4 keys"


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "ES384", "EdDSA"])
def test_every_asymmetric_algorithm_is_verified_by_a_key_of_its_kind(algorithm):
    key = {"R": PRIVATE, "P": PRIVATE, "E": EC}[algorithm[0]]
    key = {"ES384": ec.generate_private_key(ec.SECP384R1()), "EdDSA": OKP}.get(algorithm, key)
    jwk = json.loads(jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key()))
    assert verdict(make(key=key, algorithm=algorithm), jwk | {"kid": "k"}) == "verified"


def test_the_phase_is_that_of_the_key_which_verifies():
    keys = [VerificationKey({**OTHER_JWK, "kid": "k"}, "withdrawn"), VerificationKey(JWK, "signing")]
    assert inspect(make(), issuer=ISSUER, keys=keys, now=NOW).key_phase == "signing"
    assert inspect(make(key=OTHER), issuer=ISSUER, keys=keys, now=NOW).key_phase == "withdrawn"
    strange = make(key=rsa.generate_private_key(65537, 2048))
    assert inspect(strange, issuer=ISSUER, keys=keys[1:], now=NOW).key_phase == "signing", "the one that it names"
    assert inspect(make(kid="x"), issuer=ISSUER, keys=keys, now=NOW).key_phase == "unknown"


@bounded(EXAMPLES * 20)
@given(
    st.lists(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "kid"]), anything)),
    st.sampled_from([PRIVATE, EC, OKP]),
)
def test_a_malformed_published_key_is_skipped(strange, key):
    algorithm = {PRIVATE: "RS256", EC: "ES256", OKP: "EdDSA"}[key]
    text = make(key=key, algorithm=algorithm, kid=None)
    typed = (
        [JWK | members for members in strange]
        + [EC_JWK | members for members in strange]
        + [OKP_JWK | members for members in strange]
    )
    assert verdict(text, *strange, *typed)


def test_a_signature_has_one_spelling():
    assert verdict(make() + "=", JWK) == "it cannot be read: it is not canonical base64url without padding"


def test_of_two_published_keys_with_one_kid_a_foreign_issuer_s_token_may_be_signed_by_either(monkeypatch, settings):
    settings.DEBUG = True
    server = Loopback()
    try:
        server.publish({"keys": [7, {**BARE, "use": "enc"}, JWK, {**OTHER_JWK, "kid": "k"}]})
        now = int(timezone.now().timestamp())
        for key, kid in ((PRIVATE, "k"), (OTHER, "k"), (PRIVATE, None)):
            text = make({"iss": server.url, "iat": now, "exp": now + 60}, key=key, kid=kid)
            assert run(monkeypatch, text, "--issuer", server.url)[0] == 0
        server.publish({"keys": [{**JWK, "use": "enc"}]})
        code, output = run(monkeypatch, text, "--issuer", server.url)
        assert (code, "signature  its key is not for signatures" in output) == (3, True)
    finally:
        server.stop()
