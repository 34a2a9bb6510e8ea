"""Each requirement of RFC 9068 for an access token is checked. The report names the requirements that fail."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.tokens.inspection.tokens import SECONDS, failed, look, make


def test_an_rfc_9068_access_token_passes_every_check():
    inspected = look(make({"auth_time": SECONDS - 20, "acr": "1", "amr": ["pwd"], "act": {"sub": "svc"}}))
    assert (failed(inspected), inspected.conforms, inspected.signature, inspected.key_phase) == (
        [],
        True,
        "verified",
        "signing",
    )


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (make(typ="JWT"), ["typ is at+jwt"]),
        (make({"client_id": None}), ["client_id is there and well-formed"]),
        (make({"aud": []}), ["aud is there and well-formed"]),
        (make({"scope": ["a"]}), ["scope is well-formed"]),
        (make({"amr": "pwd"}), ["amr is well-formed"]),
        (make({"act": "svc"}), ["act is well-formed"]),
        (make({"iss": "https://other.example"}), ["iss is the issuer"]),
        (make({"exp": SECONDS}), ["it has not expired"]),
        (make({"act": {"sub": "svc", "act": {"sub": 7}}}), ["act is well-formed"]),
        (make({"act": {"sub": "svc", "act": "x"}}), ["act is well-formed"]),
        (make({"iat": SECONDS + 61}), ["it was not issued in the future"]),
        (make({"nbf": SECONDS + 61}), ["its nbf has come"]),
        (make({"exp": True}), ["exp is there and well-formed", "it has not expired"]),
        (make(kid="unknown"), ["the signature verifies"]),
        (make(crit=["exp"]), ["no critical extension is required"]),
        (make(key=rsa.generate_private_key(65537, 2048)), ["the signature verifies"]),
        (make(algorithm="PS256"), ["the signature verifies"]),
        (make(key=b"s" * 32, algorithm="HS256"), ["the signature verifies", "alg is asymmetric, and not none"]),
        (make(key=None, algorithm="none"), ["the signature verifies", "alg is asymmetric, and not none"]),
    ],
)
def test_each_failed_check_is_named(text, points):
    assert set(points) <= set(failed(look(text)))
    assert not look(text).conforms


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (make({"iat": SECONDS, "exp": SECONDS + 86_400}), []),
        (make({"iat": SECONDS, "exp": SECONDS + 86_401}), ["it lives no longer than a day"]),
        (make(kid=None), ["kid names the key"]),
        (make({"iat": SECONDS + 59, "nbf": SECONDS + 59}), []),
        (make({"act": {"sub": "svc", "act": {"sub": "other"}}}), []),
    ],
)
def test_a_deviation_that_rfc_9068_allows_is_at_most_a_note(text, notes):
    inspected = look(text)
    assert (failed(inspected), inspected.conforms, inspected.signature) == (notes, True, "verified")
