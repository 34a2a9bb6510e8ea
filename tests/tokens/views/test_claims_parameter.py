"""The `claims` parameter at the authorization endpoint.

The tests are about refusals, the user whom the parameter names, and the consent page.
"""

import json

import pytest
from django.test import Client as Browser

from tests.tokens.factories import allow, authorization, log_in, make_client, make_user, parameters, redeem
from tokens.authentication_class import PASSWORD
from tokens.models import Consent, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


def requesting(client, document, **changes):
    text = document if isinstance(document, str) else json.dumps(document)
    return authorization(client, claims=text, **changes)


@pytest.mark.parametrize("text", ["{", "[]", '{"userinfo": []}', '{"id_token": {"name": 1}}', "x" * 5000])
def test_a_malformed_parameter_is_the_client_s_error(browser, webapp, text):
    answer = parameters(browser.get("/oauth/authorize", requesting(webapp, text)))
    assert (answer["error"], answer["state"]) == ("invalid_request", "s-1")


def test_a_repeated_parameter_is_refused(browser, webapp):
    answer = parameters(browser.get("/oauth/authorize", authorization(webapp, claims=["{}", "{}"])))
    assert answer["error"] == "invalid_request"


def test_the_parameter_is_ignored_without_openid(browser, webapp):
    query = requesting(webapp, "{", scope="notes:read")
    assert "code" in parameters(allow(browser, query))
    assert UserGrant.objects.get().claims is None


@pytest.mark.parametrize("part", ["id_token", "userinfo"])
def test_a_request_for_another_user_gets_no_code(browser, user, webapp, part):
    """The error is login_required if the request names another user (OpenID Connect Core section 5.5.1)."""
    other = make_user("eve")
    query = requesting(webapp, {part: {"sub": {"value": str(other.sub)}}}, prompt="none")
    assert parameters(browser.get("/oauth/authorize", query))["error"] == "login_required"
    own = requesting(webapp, {part: {"sub": {"value": str(user.sub)}}})
    assert "code" in parameters(allow(browser, own))


def test_a_user_who_logs_in_for_another_s_request_is_not_taken_for_the_other(user, webapp, client):
    other = make_user("eve")
    query = requesting(webapp, {"id_token": {"sub": {"value": str(other.sub)}}})
    sent = client.get("/oauth/authorize", query)["Location"]
    assert sent.startswith("/accounts/login/")
    form = {"login": "ada", "password": "correct horse"}
    back = client.post(sent, form)["Location"]
    assert parameters(client.get(back))["error"] == "login_required"
    fresh = Browser()
    sent = fresh.get("/oauth/authorize", query)["Location"]
    back = fresh.post(sent, form | {"login": "eve"})["Location"]
    assert fresh.get(back).status_code == 200, "the consent page"


@pytest.mark.parametrize("scope", ["openid", "openid notes:read"])
def test_an_essential_acr_that_no_login_has_is_an_error_and_a_voluntary_one_is_not(browser, webapp, decode, scope):
    def answer(options):
        query = requesting(webapp, {"id_token": {"acr": options}}, scope=scope)
        return parameters(allow(browser, query))

    assert answer({"essential": True, "value": "urn:example:gold"})["error"] == "unmet_authentication_requirements"
    for options in (None, {"value": "phr"}, {"essential": True}, {"essential": True, "values": ["phr", PASSWORD]}):
        body = redeem(browser, webapp, answer(options)["code"]).json()
        assert decode(body["id_token"], "webapp")[1]["acr"] == PASSWORD


def test_the_consent_page_names_what_is_requested_beyond_the_scopes(browser, webapp):
    document = {"userinfo": {"email": None, "name": None, "shoe_size": None}, "id_token": {"acr": None}}
    page = browser.get("/oauth/authorize", requesting(webapp, document, scope="openid profile")).content.decode()
    assert "<li>Read your e-mail address<code>email</code></li>" in page
    assert "<code>name</code>" not in page, "the scope profile says it"
    assert "shoe_size" not in page
    assert "acr" not in page


def test_a_user_is_asked_again_for_claims_that_the_remembered_consent_lacks(browser, apis):
    app = make_client("app", "authorization_code", remembers_consent=True)

    def needs_consent(document, scope="openid"):
        return browser.get("/oauth/authorize", requesting(app, document, scope=scope)).status_code == 200

    email, locale = {"userinfo": {"email": None}}, {"id_token": {"family_name": None}}
    assert "code" in parameters(allow(browser, requesting(app, {}, scope="openid")))
    assert not needs_consent({})
    assert needs_consent(email)
    assert "code" in parameters(allow(browser, requesting(app, email, scope="openid")))
    assert not needs_consent(email)
    assert needs_consent(locale)
    assert "code" in parameters(allow(browser, requesting(app, locale, scope="openid")))
    assert not needs_consent(email | locale)
    assert Consent.objects.get().claims == "email family_name"


def test_a_request_that_the_user_refuses_leaves_no_claims(browser, webapp):
    query = requesting(webapp, {"userinfo": {"email": None}})
    assert parameters(allow(browser, query, answer="false"))["error"] == "access_denied"
    assert not UserGrant.objects.exists()
    assert not Consent.objects.exists()
