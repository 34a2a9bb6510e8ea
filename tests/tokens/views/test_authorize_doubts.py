"""The authorization endpoint under hostile parameters, forms and redirect URIs: no code is issued and nothing leaks."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.http import urlencode

from tests.tokens.authorize.test_redirect_uri import REFUSED, REGISTERED
from tests.tokens.factories import CALLBACK, allow, authorization, log_in, make_client, parameters
from tokens import parameters as declared
from tokens.models import AuthorizationCode, Client, User

pytestmark = pytest.mark.django_db

ISSUER = "http://localhost:8000"


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


@pytest.fixture
def own(apis):
    return make_client("own", "authorization_code", skip_authorization=True)


def consent_form(browser, query):
    """Return the address of the consent page, and the fields of the form that allows the client."""
    page = browser.get("/oauth/authorize", query)
    answer = {"shown": page.context["form"].initial["shown"], "allow": "true"}
    return f"/oauth/authorize?{page.request['QUERY_STRING']}", answer


# --- redirect URIs and parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("uri", [uri for uri in REFUSED if uri])
def test_no_answer_goes_to_a_neighbour_of_a_redirect_uri(browser, own, uri):
    Client.objects.update(redirect_uris=" ".join(REGISTERED))
    for changes in ({}, {"scope": "unknown"}, {"prompt": "none"}):
        response = browser.get("/oauth/authorize", authorization(own, redirect_uri=uri, **changes))
        assert (response.status_code, "Location" in response) == (400, False)


@pytest.mark.parametrize("uri", [uri for uri in REGISTERED if not uri.startswith("http://plain")])
def test_an_answer_goes_to_a_registered_redirect_uri(browser, own, uri):
    Client.objects.update(redirect_uris=" ".join(REGISTERED))
    location = browser.get("/oauth/authorize", authorization(own, redirect_uri=uri))["Location"]
    assert location.startswith(f"{uri}{'&' if '?' in uri else '?'}code=")


@pytest.mark.parametrize("name", sorted(declared.AUTHORIZATION - declared.DECISIVE - {"resource"}))
def test_a_repeated_parameter_is_refused(browser, own, name):
    """The client gets the error invalid_request and no code (RFC 6749 section 3.1)."""
    value = authorization(own).get(name, "x")
    response = browser.get("/oauth/authorize", authorization(own, **{name: [value, value]}))
    assert response["Location"].startswith(f"{CALLBACK}?")
    answer = parameters(response)
    state = None if name == "state" else "s-1"
    assert (answer["error"], answer.get("state"), answer["iss"]) == ("invalid_request", state, ISSUER)
    assert AuthorizationCode.objects.count() == 0


@pytest.mark.parametrize("name", sorted(declared.AUTHORIZATION - declared.DECISIVE))
def test_a_control_character_in_a_parameter_is_refused(browser, own, name):
    answer = parameters(browser.get("/oauth/authorize", authorization(own, **{name: "a\0b"})))
    assert (answer["error"], answer["iss"]) == ("invalid_request", ISSUER)


UNDECLARED = {
    "sub": "somebody-else",
    "user": "1",
    "acr": "phr",
    "client": "other",
    "scopes": "notes:write",
    "approval_prompt": "auto",
    "using_default_redirect_uri": "1",
    "target": "x",
}


@pytest.mark.parametrize("name", UNDECLARED)
def test_an_undeclared_parameter_changes_nothing(browser, user, webapp, own, name):
    """The issuer passes only declared parameters to oauthlib, which makes each an attribute of its request object."""
    assert browser.get("/oauth/authorize", authorization(webapp) | {name: UNDECLARED[name]}).status_code == 200
    assert "code" in parameters(browser.get("/oauth/authorize", authorization(own) | {name: UNDECLARED[name]}))
    grant = AuthorizationCode.objects.get().grant
    assert (grant.user, grant.client, grant.scope) == (user, own, "openid notes:read")
    assert grant.acr == "urn:keyturn:acr:password"


@pytest.mark.parametrize("grants", [[], ["client_credentials"], ["refresh_token"]])
def test_a_client_without_the_grant_type_gets_no_code(browser, own, grants):
    Client.objects.update(grants=grants)
    answer = parameters(browser.get("/oauth/authorize", authorization(own)))
    assert answer == {"error": "unauthorized_client", "state": "s-1", "iss": ISSUER}
    assert AuthorizationCode.objects.count() == 0


# --- the user who answers --------------------------------------------------------------------------------------------


def test_the_proof_of_display_is_bound_to_the_user(browser, webapp):
    address, answer = consent_form(browser, authorization(webapp))
    at = browser.session["account_authentication_methods"][0]["at"]
    log_in(browser, User.objects.create_user("eve"))
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": at}]
    session.save()
    assert browser.post(address, answer)["Location"] == address
    assert AuthorizationCode.objects.count() == 0


def test_the_proof_of_display_is_bound_to_the_login(browser, user, webapp):
    address, answer = consent_form(browser, authorization(webapp))
    log_in(browser, user, ago=10)
    assert browser.post(address, answer)["Location"] == address
    assert AuthorizationCode.objects.count() == 0


@pytest.mark.parametrize(("seconds", "good"), [(599, True), (601, False)])
def test_the_proof_of_display_is_valid_for_ten_minutes(browser, webapp, signer, seconds, good, at):
    now = timezone.now()
    with at(now):
        address, answer = consent_form(browser, authorization(webapp))
    with at(now + timedelta(seconds=seconds)):
        location = browser.post(address, answer)["Location"]
    assert location.startswith(CALLBACK) is good


@pytest.mark.parametrize("proof", ["", "x", "x:y:z"])
def test_without_a_proof_the_user_is_asked_again(browser, webapp, proof):
    address = f"/oauth/authorize?{urlencode(authorization(webapp))}"
    assert browser.post(address, {"shown": proof, "allow": "true"})["Location"] == address
    assert AuthorizationCode.objects.count() == 0


def test_a_disabled_user_has_no_session(browser, webapp, own):
    address, answer = consent_form(browser, authorization(webapp))
    User.objects.update(is_active=False)
    for asking in (webapp, own):
        assert browser.get("/oauth/authorize", authorization(asking))["Location"].startswith("/accounts/login/?")
    assert browser.post(address, answer)["Location"] == address
    silent = parameters(browser.get("/oauth/authorize", authorization(own, prompt="none")))
    assert silent["error"] == "login_required"
    assert AuthorizationCode.objects.count() == 0


# --- the audit log ---------------------------------------------------------------------------------------------------


def lines(caplog):
    said = [json.loads(record.message) for record in caplog.records if record.name == "tokens.audit"]
    return [(line["action"], line["actor"], line["subject"], line["details"]) for line in said]


@pytest.mark.parametrize(
    ("answer", "action", "error"),
    [
        ("true", "consent.given", {}),
        ("false", "consent.refused", {"error": "access_denied", "reason": "The user refused."}),
    ],
)
def test_the_user_s_answer_is_written_to_the_audit_log(browser, webapp, caplog, answer, action, error):
    caplog.set_level("INFO", "tokens.audit")
    allow(browser, authorization(webapp, state="secret-state"), answer=answer)
    assert lines(caplog)[0] == (action, "user:ada", "client:webapp", {**error, "address": "127.0.0.1"})
    assert [logged_action for logged_action, *_ in lines(caplog)[1:]] == (["code.issued"] if answer == "true" else [])
    assert "secret-state" not in caplog.text


REFUSALS = {
    "a scope": ({"scope": "secret-scope"}, "invalid_scope", "client:webapp"),
    "a redirect URI": ({"redirect_uri": "https://evil.example/secret"}, "invalid_request", "client:webapp"),
    "a client": ({"client_id": "secret-client"}, "invalid_request", "client:unknown"),
    "two clients": ({"client_id": ["webapp", "secret-client"]}, "invalid_request", "client:unknown"),
    "no page": ({"prompt": "none", "nonce": "secret-nonce"}, "consent_required", "client:webapp"),
    "an acr": ({"acr_values": "secret-acr"}, "unmet_authentication_requirements", "client:webapp"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_is_written_to_the_audit_log_without_the_parameters(browser, webapp, caplog, what):
    changes, error, subject = REFUSALS[what]
    caplog.set_level("INFO", "tokens.audit")
    browser.get("/oauth/authorize", authorization(webapp, **changes))
    [(action, actor, about, details)] = lines(caplog)
    assert details.pop("reason"), "why, in words of ours"
    expected = {"error": error, "address": "127.0.0.1"}
    assert (action, actor, about, details) == ("authorization.refused", "user:ada", subject, expected)
    assert "secret" not in caplog.text


def test_a_redirect_to_the_login_is_no_refusal_in_the_audit_log_and_an_invalid_request_is(client, webapp, caplog):
    caplog.set_level("INFO", "tokens.audit")
    client.get("/oauth/authorize", authorization(webapp))
    assert lines(caplog) == []
    client.get("/oauth/authorize", authorization(webapp, scope="secret-scope"))
    [(action, actor, about, details)] = lines(caplog)
    assert (action, actor, about) == ("authorization.refused", "user:unknown", "client:webapp")
    assert (details["error"], "secret" in caplog.text) == ("invalid_scope", False)


@pytest.mark.parametrize("state", ["a b+c", "%", "é", "x" * 1000, "a&b=c#d", '"<>\\', " s "])
def test_the_state_is_returned_unchanged(browser, own, state):
    assert parameters(browser.get("/oauth/authorize", authorization(own, state=state)))["state"] == state


@pytest.mark.parametrize("name", ["state", "nonce", "login_hint"])
def test_a_parameter_that_is_not_utf_8_is_refused_and_no_changed_state_is_returned(browser, own, name):
    query = urlencode(authorization(own, **{name: None})) + f"&{name}=%ff%fe"
    answer = parameters(browser.get(f"/oauth/authorize?{query}"))
    assert (answer["error"], answer["error_description"]) == ("invalid_request", f"The {name} parameter is not UTF-8.")
    assert answer.get("state") == (None if name == "state" else "s-1")
