"""The plan fapi2-security-profile-final-test-plan: metadata, pushed requests and the authorization endpoint.

Variant: private_key_jwt and DPoP, unsigned requests, with OpenID Connect and with plain OAuth.
"""

import json

import pytest
import requests

from project.launch.browser import forms
from tests import marks
from tests.conformance import sessions
from tests.conformance.bank import VERIFIER, Bank, age, claims_of, refusal
from tests.conformance.suite import TIMEOUT, Suite

pytestmark = [*marks.fapi2]
PERMITTED = {"PS256", "ES256", "EdDSA", "Ed25519"}
WELL_KNOWN = {
    "openid": "openid-configuration",
    "plain-oauth": "oauth-authorization-server",
    "client-credentials": "oauth-authorization-server",
}


def with_new_browser(bank: Bank) -> Bank:
    """Return the same client with a new browser, in which no user is logged in."""
    return Bank(Suite(bank.suite.issuer, bank.suite.plan), bank.name, bank.variant)


def test_fapi2_discovery_end_point_verification(holder: Bank):
    """The metadata offers private_key_jwt, DPoP, PAR, PKCE with S256, and iss in authorization responses.

    It offers PS256, ES256 or EdDSA for client assertions and DPoP proofs, and only these for ID tokens.
    """
    url = f"{holder.suite.issuer}/.well-known/{WELL_KNOWN[holder.variant]}"
    metadata = requests.get(url, timeout=TIMEOUT).json()
    assert metadata["issuer"] == holder.suite.issuer
    assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"]
    for name in ("dpop_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported"):
        assert PERMITTED & set(metadata[name])
    assert set(metadata.get("id_token_signing_alg_values_supported", ["ES256"])) <= PERMITTED
    assert metadata["pushed_authorization_request_endpoint"] == holder.url("par")
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["authorization_response_iss_parameter_supported"] is True


def test_fapi2_user_rejects_authentication(bank: Bank):
    """If the user denies the request, the client gets the error access_denied, with state and iss."""
    uri = bank.pushed(prompt="consent", state="s")
    page = bank.suite.browser.get(f"{bank.url('authorize')}?client_id={bank.client_id}&request_uri={uri}")
    if "id_login" in page.text:
        page = bank.suite.browser.log_in(page, bank.suite.plan["username"], bank.suite.plan["password"])
    form = next(form for form in forms(page.text) if "allow" in form.buttons)
    answer = bank.suite._answer(bank.suite.post(page.url, form.fields | {"allow": "false"}))
    assert (bank.suite.error(answer), answer.values["state"]) == ("access_denied", "s")
    assert answer.values["iss"] == bank.suite.issuer


def test_fapi2_ensure_authorization_request_without_state_success(bank: Bank):
    """A request without a state succeeds, and the response has no state."""
    answer = bank.visit(bank.pushed(state=None))
    assert "code" in answer.values
    assert "state" not in answer.values


def test_fapi2_ensure_authorization_request_without_nonce_success(connect: Bank):
    """A request without a nonce succeeds, and the ID token has none."""
    tokens = connect.tokens(code=connect.code(nonce=None))
    assert "nonce" not in claims_of(tokens["id_token"])


@pytest.mark.parametrize("length", [64], ids=["64"])
def test_fapi2_ensure_authorization_request_with_64_char_nonce_success(connect: Bank, length):
    """A nonce of 64 characters is returned in the ID token."""
    tokens = connect.tokens(code=connect.code(nonce="n" * length))
    assert claims_of(tokens["id_token"])["nonce"] == "n" * length


def test_fapi2_ensure_other_scope_order_succeeds(connect: Bank):
    """The order of the scopes does not matter: openid may come last."""
    tokens = connect.tokens(code=connect.code(scope="email openid"))
    assert set(tokens["scope"].split()) == {"openid", "email"}


def test_fapi2_test_claims_parameter_identity_claims(connect: Bank):
    """Each supported claim that a request names in the parameter claims is in the ID token and at userinfo."""
    protocol = {
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "nonce",
        "auth_time",
        "acr",
        "amr",
        "azp",
        "at_hash",
        "c_hash",
        "sid",
    }
    wanted = sorted(set(connect.suite.metadata["claims_supported"]) - protocol)
    forms_of_request = [None, {"essential": True}, {"essential": False}]
    requested = {name: forms_of_request[number % 3] for number, name in enumerate(wanted)} | {"unknown_claim": None}
    tokens = connect.tokens(
        code=connect.code(claims=json.dumps({"id_token": requested, "userinfo": requested}), prompt="consent")
    )
    userinfo = connect.use(tokens).json()
    assert [name for name in wanted if name not in userinfo] == []
    assert [name for name in wanted if name not in claims_of(tokens["id_token"])] == []
    assert "unknown_claim" not in userinfo


def test_fapi2_ensure_different_nonce_inside_and_outside_request_object(connect: Bank):
    """If another nonce is sent beside the request_uri, the ID token has the pushed nonce. An error is permitted too."""
    answer = connect.visit(connect.pushed(nonce="inside"), nonce="outside")
    tokens = connect.tokens(code=answer.values["code"])
    assert claims_of(tokens["id_token"])["nonce"] == "inside"


def test_fapi2_ensure_different_state_inside_and_outside_request_object(bank: Bank):
    """If another state is sent beside the request_uri, the response has the pushed state. An error is permitted too."""
    answer = bank.visit(bank.pushed(state="inside"), state="outside")
    assert (answer.values["state"], "code" in answer.values) == ("inside", True)


def test_fapi2_ensure_authorization_request_with_long_nonce(connect: Bank):
    """A nonce of 384 characters is refused, or is in the ID token as it was sent."""
    tokens = connect.tokens(code=connect.code(nonce="n" * 384))
    assert claims_of(tokens["id_token"])["nonce"] == "n" * 384


def test_fapi2_ensure_authorization_request_with_long_state(bank: Bank):
    """A state of 1,000 characters is refused, or returned as it was sent."""
    answer = bank.visit(bank.pushed(state="s" * 1000))
    assert answer.values["state"] == "s" * 1000


def test_fapi2_state_only_outside_request_object_not_used(bank: Bank):
    """If a state is sent beside the request_uri, but was not pushed, the response has no state."""
    answer = bank.visit(bank.pushed(state=None), state="outside")
    assert "code" in answer.values
    assert "state" not in answer.values


def test_fapi2_ensure_request_object_without_redirect_uri_fails(bank: Bank):
    """A pushed request without a redirect_uri is refused. It is not enough to send it later, beside the request_uri."""
    refusal(bank.push(redirect_uri=None), "invalid_request")


def test_fapi2_plain_fapi_tolerate_unregistered_redirect_uri(bank: Bank):
    """A pushed request with an unregistered redirect URI is refused, although RFC 9126 section 2.4 permits one."""
    refusal(bank.push(redirect_uri=f"{bank.suite.callback}/elsewhere"), "invalid_request")


def test_fapi2_ensure_unsigned_authorization_request_without_using_par_fails(bank: Bank):
    """A request that was not pushed is refused.

    If the user is not logged in, the browser gets an error page. Otherwise, the client gets the error invalid_request.
    """
    bank.code()
    request = bank.suite.request(code_challenge=VERIFIER, code_challenge_method="S256")
    assert bank.suite.error(bank.suite.authorize(request)) == "invalid_request"
    visitor = with_new_browser(bank)
    assert visitor.suite.refused(visitor.suite.authorize(visitor.suite.request()))


def test_fapi2_ensure_redirect_uri_in_authorization_request(bank: Bank):
    """A pushed request without a redirect_uri is refused, although the client has registered only one."""
    refusal(bank.push(redirect_uri=None), "invalid_request")
    assert bank.push().status_code == 201


@pytest.mark.parametrize("response_type", ["code id_token"])
def test_fapi2_ensure_response_type_code_idtoken_fails(bank: Bank, response_type):
    """The response type code id_token is refused."""
    refusal(bank.push(response_type=response_type), "unsupported_response_type", "invalid_request")


def test_fapi2_ensure_response_type_token_fails(bank: Bank):
    """The response type token is refused."""
    refusal(bank.push(response_type="token"), "unsupported_response_type", "invalid_request")


def test_fapi2_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(logged_out_bank: Bank):
    """A request_uri that was opened without logging in can be opened again in the same browser."""
    uri = logged_out_bank.pushed()
    page = logged_out_bank.suite.authorize(
        {"client_id": logged_out_bank.client_id, "request_uri": uri}, log_in=False
    ).page
    assert "id_login" in page.text
    assert "code" in logged_out_bank.visit(uri).values


def test_fapi2_par_attempt_reuse_request_uri(bank: Bank):
    """A request_uri for which a code was issued is refused.

    Another browser is refused at once, the same browser after ten seconds.
    """
    uri = bank.pushed()
    assert "code" in bank.visit(uri).values
    visitor = with_new_browser(bank)
    assert visitor.suite.refused(visitor.visit(uri))
    sessions.age_answers(bank.suite.plan["variables"], 11)
    answer = bank.visit(uri)
    assert (answer.values, answer.page.status) == ({}, 410)


def test_fapi2_par_attempt_to_use_expired_request_uri(bank: Bank):
    """A request_uri that has expired is refused."""
    uri = bank.pushed()
    age(bank.suite.plan["database"], "tokens_pushedrequest", "expires_at", 600)
    assert bank.suite.refused(bank.visit(uri))


def test_fapi2_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(bank: Bank):
    """An assertion whose nbf and iat are 8 s in the future is accepted at the PAR endpoint."""
    at = claims_of(bank.assertion()["client_assertion"])["iat"] + 8
    assert bank.push(by=bank.assertion(iat=at, nbf=at)).status_code == 201


def test_fapi2_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(bank: Bank):
    """An assertion whose iat and nbf are more than 60 s in the future is refused at the PAR endpoint."""
    at = claims_of(bank.assertion()["client_assertion"])["iat"] + 75
    refusal(bank.push(by=bank.assertion(iat=at, nbf=at, exp=at + 60)), "invalid_client", "invalid_request")


def test_fapi2_par_attempt_to_use_request_uri_for_different_client(bank: Bank):
    """A request_uri of one client is refused for another."""
    answer = bank.named("client2").visit(bank.pushed())
    assert bank.suite.refused(answer)


def test_fapi2_par_authorization_request_containing_request_uri_form_param(bank: Bank):
    """A pushed request with the parameter request_uri is refused."""
    uri = "urn:ietf:params:oauth:request_uri:0123456789"
    refusal(bank.push(request_uri=uri), "invalid_request", "invalid_request_object")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_fapi2_par_attempt_invalid_http_method(bank: Bank, method):
    """The PAR endpoint refuses every method except POST."""
    answer = requests.request(method, bank.url("par"), data=bank.assertion(), timeout=TIMEOUT)
    assert answer.status_code in {400, 404, 405}


def test_fapi2_par_ensure_pkce_required(bank: Bank):
    """A pushed request without a code challenge is refused."""
    refusal(bank.push(code_challenge=None, code_challenge_method=None), "invalid_request")


def test_fapi2_par_plain_pkce_rejected(bank: Bank):
    """PKCE with the method plain is refused."""
    refusal(bank.push(code_challenge=VERIFIER, code_challenge_method="plain"), "invalid_request")


def test_fapi2_par_without_duplicate_parameters(bank: Bank):
    """An authorization request needs no parameters except client_id and request_uri (RFC 9101 section 5)."""
    assert "code" in bank.visit(bank.pushed()).values


def test_fapi2_par_test_array_as_audience_fails(bank: Bank):
    """An assertion whose aud is a list is refused, even if the list contains the issuer."""
    refusal(bank.push(by=bank.assertion(aud=[bank.suite.issuer])), "invalid_client", "invalid_request")
    both = [bank.suite.issuer, bank.url("par")]
    refusal(bank.push(by=bank.assertion(aud=both)), "invalid_client", "invalid_request")


def test_fapi2_par_test_par_endpoint_url_as_audience_fails(bank: Bank):
    """An assertion whose aud is the PAR endpoint is refused."""
    refusal(bank.push(by=bank.assertion(aud=bank.url("par"))), "invalid_client", "invalid_request")


def test_fapi2_par_test_token_endpoint_url_as_audience_fails(bank: Bank):
    """An assertion whose aud is the token endpoint is refused."""
    refusal(bank.push(by=bank.assertion(aud=bank.url("token"))), "invalid_client", "invalid_request")
