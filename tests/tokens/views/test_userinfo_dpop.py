"""/oauth/userinfo with tokens that are bound to a DPoP key.

The scheme, the proof and its key must fit the token (RFC 9449 section 7).
"""

import time

import pytest

from tests.tokens.factories import CALLBACK, VERIFIER, make_client, post, redeem
from tests.tokens.proofs import OFFER, Key
from tokens.dpop.proof import token_hash
from tokens.models import Client

pytestmark = pytest.mark.usefixtures("signer")

TOKEN = "http://localhost:8000/oauth/token"
URL = "http://localhost:8000/oauth/userinfo"
KEY, OTHER = Key(), Key()


def proof(token, *, key=KEY, method="GET", url=URL, **changes):
    return {"HTTP_DPOP": key.proof(method, url, **{"iat": time.time(), "ath": token_hash(token)} | changes)}


def by(scheme, token, **extra):
    return {"HTTP_AUTHORIZATION": f"{scheme} {token}"} | extra


@pytest.fixture
def bound(client, apis, code):
    """Return an access token that is bound to KEY."""
    spa = make_client("spa", "authorization_code", public=True)
    form = {
        "grant_type": "authorization_code",
        "code": code(spa, scope="openid"),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": "spa",
    }
    proof_for_token = KEY.proof("POST", TOKEN, iat=time.time())
    return post(client, "/oauth/token", form, HTTP_DPOP=proof_for_token).json()["access_token"]


@pytest.fixture
def unbound(client, webapp, code):
    return redeem(client, webapp, code(webapp, scope="openid")).json()["access_token"]


def refusal(answer):
    """Return the answer's status, its error, and the scheme of the challenge with this error.

    An answer can have a Bearer challenge and a DPoP challenge. Only one of them may have the error.
    """
    error = answer.json()["error"]
    first, _, second = (
        answer["WWW-Authenticate"].partition(", DPoP ")
        if answer["WWW-Authenticate"].startswith("Bearer")
        else answer["WWW-Authenticate"].partition(", Bearer ")
    )
    assert f'error="{error}"' in first
    assert "error=" not in second
    return answer.status_code, error, first.partition(" ")[0]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_a_bound_token_with_a_proof_of_its_key_gives_the_claims(client, bound, user, method, scheme):
    answer = client.generic(method, "/oauth/userinfo", **by(scheme, bound, **proof(bound, method=method)))
    assert (answer.status_code, answer.json(), answer["Cache-Control"]) == (200, {"sub": str(user.sub)}, "no-store")
    assert "DPoP-Nonce" not in answer.headers


def test_a_bound_token_is_refused_as_a_bearer_token_also_with_its_proof(client, bound):
    for extra in ({}, proof(bound)):
        answer = client.get("/oauth/userinfo", **by("Bearer", bound, **extra))
        assert refusal(answer) == (401, "invalid_token", "Bearer")


def test_a_bound_token_in_the_body_is_refused(client, bound, settings):
    settings.ISSUER = settings.ISSUER | {"USERINFO_TOKEN_IN_BODY": True}
    answer = post(client, "/oauth/userinfo", {"access_token": bound}, **proof(bound, method="POST"))
    assert refusal(answer) == (401, "invalid_token", "Bearer")


def test_an_unbound_token_is_refused_by_the_scheme_dpop_and_accepted_as_a_bearer_token(client, unbound):
    answer = client.get("/oauth/userinfo", **by("DPoP", unbound, **proof(unbound)))
    assert refusal(answer) == (401, "invalid_token", "DPoP")
    for extra in ({}, proof(unbound)):
        assert client.get("/oauth/userinfo", **by("Bearer", unbound, **extra)).status_code == 200


def test_a_proof_of_another_key_is_refused(client, bound):
    answer = client.get("/oauth/userinfo", **by("DPoP", bound, **proof(bound, key=OTHER)))
    assert refusal(answer) == (401, "invalid_token", "DPoP")


def test_a_bound_token_without_a_proof_is_refused(client, bound):
    answer = client.get("/oauth/userinfo", **by("DPoP", bound))
    assert refusal(answer) == (401, "invalid_dpop_proof", "DPoP")
    assert answer.json()["error_description"] == "The request has no DPoP header."


def test_a_proof_is_accepted_once_and_not_one_of_the_token_endpoint(client, bound):
    once = by("DPoP", bound, **proof(bound))
    assert client.get("/oauth/userinfo", **once).status_code == 200
    assert refusal(client.get("/oauth/userinfo", **once)) == (401, "invalid_dpop_proof", "DPoP")
    for other in (proof(bound, url=TOKEN), proof(bound, method="POST"), proof("another")):
        assert refusal(client.get("/oauth/userinfo", **by("DPoP", bound, **other)))[1] == "invalid_dpop_proof"


def test_a_proof_of_another_key_uses_up_nothing(client, bound):
    stolen = proof(bound, key=OTHER, jti="same")
    assert client.get("/oauth/userinfo", **by("DPoP", bound, **stolen)).status_code == 401
    assert client.get("/oauth/userinfo", **by("DPoP", bound, **proof(bound, jti="same"))).status_code == 200


def test_an_invalid_token_by_the_scheme_dpop_is_refused_in_its_challenge(client, bound):
    answer = client.get("/oauth/userinfo", **by("DPoP", bound[:-4] + "AAAA", **proof(bound)))
    assert refusal(answer) == (401, "invalid_token", "DPoP")


def test_userinfo_gives_nonces_if_the_issuer_requires_them(client, bound, settings):
    settings.ISSUER = settings.ISSUER | {"DPOP_REQUIRES_NONCE": True}
    answer = client.get("/oauth/userinfo", **by("DPoP", bound, **proof(bound)))
    assert refusal(answer) == (401, "use_dpop_nonce", "DPoP")
    answer = client.get("/oauth/userinfo", **by("DPoP", bound, **proof(bound, nonce=answer["DPoP-Nonce"])))
    assert (answer.status_code, bool(answer["DPoP-Nonce"])) == (200, True)


def test_a_request_without_a_token_is_offered_both_schemes(client):
    answer = client.get("/oauth/userinfo", HTTP_DPOP="x")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, f'Bearer realm="userinfo", {OFFER}')


def test_pages_may_send_proofs_and_read_nonces(client, bound):
    Client.objects.update(allowed_origins="https://app.example")
    origin = {"HTTP_ORIGIN": "https://app.example"}
    preflight_headers = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "dpop"}
    for path in ("/oauth/token", "/oauth/userinfo"):
        preflight = client.options(path, **origin, **preflight_headers)
        assert "DPoP" in preflight["Access-Control-Allow-Headers"].split(", ")
        answer = client.get("/oauth/userinfo", **by("DPoP", bound), **origin)
        assert "DPoP-Nonce" in answer["Access-Control-Expose-Headers"].split(", ")
