"""The authorization response as an HTML form (response_mode=form_post).

It is used for codes and for errors, if the redirect URI is one to which a browser can send a form. The page's
Content-Security-Policy permits the page's own script only.
"""

import base64
import hashlib
import re

import pytest

from tests.tokens.factories import CALLBACK, allow, authorization, log_in, make_client, parameters, redeem
from tokens.authorize.response_mode import of_refusal
from tokens.models import AuthorizationCode, Client

pytestmark = pytest.mark.usefixtures("signer")

ISSUER = "http://localhost:8000"
FORM = {"response_mode": "form_post"}
UNSUPPORTED = "The response_mode is not supported; use query or form_post."


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


def fields(page):
    """Return the form's address and its fields, as the browser would send them."""
    assert page.status_code == 200
    assert "Location" not in page
    assert [template.name for template in page.templates][:1] == ["tokens/form_post.html"]
    [(form, address)] = re.findall(r'(<form method="post" action="([^"]*)">)', page.content.decode())
    assert form
    return address, dict(page.context["parameters"])


def test_a_code_is_in_a_form_to_the_redirect_uri_with_state_and_issuer(browser, webapp):
    address, sent = fields(allow(browser, authorization(webapp, **FORM)))
    assert address == CALLBACK
    assert redeem(browser, webapp, sent.pop("code")).status_code == 200
    assert sent == {"state": "s-1", "iss": ISSUER}


def test_every_field_is_hidden_and_escaped(browser, webapp):
    state = '"><script>alert(1)</script>'
    html = allow(browser, authorization(webapp, state=state, **FORM)).content.decode()
    assert html.count("<script>") == 1
    assert 'name="state" value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in html


def test_the_policy_permits_the_page_s_own_script_and_no_other(browser, webapp):
    page = allow(browser, authorization(webapp, **FORM))
    [script] = re.findall(r"<script>(.*?)</script>", page.content.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = dict(part.strip().partition(" ")[::2] for part in page["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == f"'sha256-{digest}'"
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "form-action" not in policy, "the client redirects after the form"
    assert (page["Cache-Control"], page["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_the_page_works_without_javascript_by_a_button(browser, webapp):
    page = allow(browser, authorization(webapp, **FORM))
    assert '<button type="submit">Continue</button>' in page.content.decode()


def test_a_remembered_consent_answers_by_a_form_to_a_get_request_too(browser, webapp):
    allow(browser, authorization(webapp))
    assert "code" in fields(browser.get("/oauth/authorize", authorization(webapp, **FORM)))[1]


def test_a_refusal_of_the_user_is_in_a_form(browser, webapp):
    assert fields(allow(browser, authorization(webapp, **FORM), answer="false")) == (
        CALLBACK,
        {"error": "access_denied", "error_description": "The user refused.", "state": "s-1", "iss": ISSUER},
    )


ERRORS = {
    "invalid_scope": {"scope": "unknown"},
    "invalid_request": {"code_challenge": None},
    "unsupported_response_type": {"response_type": "token"},
    "consent_required": {"prompt": "none"},
    "unmet_authentication_requirements": {"acr_values": "urn:example:gold"},
}


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_in_a_form(browser, webapp, error):
    address, sent = fields(browser.get("/oauth/authorize", authorization(webapp, **FORM, **ERRORS[error])))
    assert (address, sent["error"], sent["state"], sent["iss"]) == (CALLBACK, error, "s-1", ISSUER)


def test_login_required_is_in_a_form_without_a_login(client, webapp):
    _, sent = fields(client.get("/oauth/authorize", authorization(webapp, prompt="none", **FORM)))
    assert sent["error"] == "login_required"


def test_the_mode_survives_the_login(client, user, webapp):
    handle = parameters(client.get("/oauth/authorize", authorization(webapp, **FORM)))["next"]
    assert handle.startswith("/oauth/authorize?continue=")
    log_in(client, user)
    page = client.get(handle)
    answer = {"shown": page.context["form"].initial["shown"], "allow": "true"}
    address, sent = fields(client.post(handle, answer))
    assert (address, set(sent)) == (CALLBACK, {"code", "state", "iss"})


def test_a_request_sent_as_a_form_keeps_its_mode(browser, webapp):
    shown = browser.post("/oauth/authorize", authorization(webapp, **FORM))["Location"]
    assert "response_mode=form_post" in shown


@pytest.mark.parametrize("mode", ["query", None, ""])
def test_the_default_and_query_redirect(browser, webapp, mode):
    assert allow(browser, authorization(webapp, response_mode=mode))["Location"].startswith(f"{CALLBACK}?code=")


@pytest.mark.parametrize("mode", ["fragment", "form_post.jwt", "query.jwt", "web_message", "FORM_POST", "form_post "])
def test_another_mode_is_refused_by_the_default_mode(browser, webapp, mode):
    response = browser.get("/oauth/authorize", authorization(webapp, response_mode=mode))
    assert response["Location"].startswith(f"{CALLBACK}?error=invalid_request")
    assert parameters(response)["error_description"] == UNSUPPORTED


@pytest.mark.parametrize("mode", [["form_post", "query"], ["form_post", "form_post"]])
def test_two_modes_are_refused_by_the_default_mode(browser, webapp, mode):
    response = browser.get("/oauth/authorize", authorization(webapp, response_mode=mode))
    assert parameters(response)["error_description"] == "The response_mode parameter occurs more than once."


def test_no_form_goes_to_a_redirect_uri_that_is_not_registered(browser, webapp):
    page = browser.get("/oauth/authorize", authorization(webapp, redirect_uri="https://evil.example/", **FORM))
    assert page.status_code == 400
    assert "evil.example" not in page.content.decode()


def test_no_form_goes_to_a_private_use_scheme(browser, apis):
    uri = "com.example.app:/callback"
    native = make_client("native", "authorization_code", public=True)
    Client.objects.filter(pk=native.pk).update(redirect_uris=uri)
    answer = parameters(browser.get("/oauth/authorize", authorization(native, redirect_uri=uri, **FORM)))
    assert (answer["error"], answer["state"]) == ("invalid_request", "s-1")
    assert "use query" in answer["error_description"]
    assert not AuthorizationCode.objects.exists()


def test_a_loopback_address_gets_a_form(browser, apis):
    """A native client may request form_post with a loopback redirect URI, as the interactive login of msal does."""
    native = make_client("native", "authorization_code", public=True)
    Client.objects.filter(pk=native.pk).update(redirect_uris="http://127.0.0.1/")
    uri = "http://127.0.0.1:41887/"
    assert fields(allow(browser, authorization(native, redirect_uri=uri, **FORM)))[0] == uri


def test_the_query_of_the_redirect_uri_is_kept_and_gives_way_to_the_answer(browser, webapp):
    uri = f"{CALLBACK}?tenant=1&code=registered"
    Client.objects.filter(pk=webapp.pk).update(redirect_uris=uri)
    address, sent = fields(allow(browser, authorization(webapp, redirect_uri=uri, **FORM)))
    assert address == f"{CALLBACK}?tenant=1"
    assert sent["code"] != "registered"


@pytest.mark.parametrize(
    ("values", "uri", "mode"),
    [
        (["form_post"], CALLBACK, "form_post"),
        (["form_post"], "com.example.app:/callback", "query"),
        (["form_post", "form_post"], CALLBACK, "query"),
        (["fragment"], CALLBACK, "query"),
        ([], CALLBACK, "query"),
    ],
)
def test_an_invalid_request_is_answered_by_the_mode_that_it_could_have(values, uri, mode):
    assert of_refusal(values, uri) == mode
