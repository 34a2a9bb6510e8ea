"""The authorization endpoint: when it asks for consent, when it requires a login, and where it sends errors."""

from unittest.mock import Mock, patch

import pytest
from django.db import IntegrityError
from django.test import Client as Browser

from tests.tokens.factories import (
    API,
    CALLBACK,
    CHALLENGE,
    OTHER_API,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
    stored_query,
)
from tokens.authentication_class import PASSWORD
from tokens.authorize import authorization_code
from tokens.models import AuthorizationCode, Client, User, UserGrant
from tokens.views import authorize

pytestmark = pytest.mark.django_db

ISSUER = "http://localhost:8000"


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


def test_the_user_is_asked_and_the_code_goes_to_the_client_with_state_and_issuer(browser, webapp, user):
    page = browser.get("/oauth/authorize", authorization(webapp))
    assert [scope.name for scope in page.context["scopes"]] == ["openid", "notes:read"]
    assert UserGrant.objects.count() == 0
    response = allow(browser, authorization(webapp))
    assert response.status_code == 303
    assert response["Location"].startswith(f"{CALLBACK}?")
    answer = parameters(response)
    assert len(answer.pop("code")) == 43
    assert answer == {"state": "s-1", "iss": ISSUER}
    grant = UserGrant.objects.get()
    assert (grant.user, grant.client, grant.scope) == (user, webapp, "openid notes:read")


def test_a_head_request_makes_no_code(browser, webapp):
    Client.objects.update(skip_authorization=True)
    assert browser.head("/oauth/authorize", authorization(webapp)).status_code == 405
    assert not UserGrant.objects.exists()


def test_the_consent_page_cannot_be_framed_or_cached(browser, webapp):
    page = browser.get("/oauth/authorize", authorization(webapp))
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"


def test_a_refusal_goes_to_the_client(browser, webapp):
    assert parameters(allow(browser, authorization(webapp), answer="false")) == {
        "error": "access_denied",
        "error_description": "The user refused.",
        "state": "s-1",
        "iss": ISSUER,
    }
    assert AuthorizationCode.objects.count() == 0


def test_the_issuer_s_own_client_asks_only_if_it_requests_consent(browser, apis):
    own = make_client("own", "authorization_code", skip_authorization=True)
    assert "code" in parameters(browser.get("/oauth/authorize", authorization(own)))
    assert browser.get("/oauth/authorize", authorization(own, prompt="consent")).status_code == 200


@pytest.fixture
def race(monkeypatch):
    """Return a function that takes an action, and runs it between the validation of a request and its code."""
    issue = authorize.send_code

    def before_the_code(event):
        def send_code(*args, **kwargs):
            event()
            return issue(*args, **kwargs)

        monkeypatch.setattr(authorize, "send_code", send_code)

    return before_the_code


@pytest.mark.django_db(transaction=True)
def test_a_client_that_is_deleted_before_the_code_is_issued_gets_an_error_with_its_cause(browser, webapp, race):
    race(Client.objects.all().delete)
    with patch.object(authorize, "send_error", wraps=authorize.send_error) as send_error:
        answer = parameters(allow(browser, authorization(webapp)))
    assert (answer["error"], answer["error_description"]) == ("access_denied", "The client is not registered any more.")
    assert isinstance(send_error.call_args.args[1].__cause__, IntegrityError)
    assert not AuthorizationCode.objects.exists()


def test_another_conflict_in_the_database_is_logged_and_not_reported_as_a_deleted_client(
    browser, webapp, monkeypatch, caplog
):
    monkeypatch.setattr(authorization_code, "create", Mock(side_effect=IntegrityError("a rule says no")))
    answer = parameters(allow(browser, authorization(webapp)))
    assert (answer["error"], "code" in answer) == ("server_error", False)
    assert "The database refused a code of the client webapp" in caplog.text
    assert "a rule says no" in caplog.text


def test_no_parameter_skips_the_question(browser, webapp):
    type(webapp).objects.update(remembers_consent=False)
    allow(browser, authorization(webapp))
    page = browser.get("/oauth/authorize", authorization(webapp) | {"approval_prompt": "auto", "user": "1"})
    assert page.status_code == 200


def test_an_answer_without_the_page_s_csrf_token_is_refused(user, webapp):
    strict = Browser(enforce_csrf_checks=True)
    log_in(strict, user)
    page = strict.get("/oauth/authorize", authorization(webapp))
    address = f"{page.request['PATH_INFO']}?{page.request['QUERY_STRING']}"
    answer = {"shown": page.context["form"].initial["shown"], "allow": "true"}
    assert strict.post(address, answer).status_code == 403
    assert AuthorizationCode.objects.count() == 0


def test_an_answer_allows_only_the_request_that_was_displayed(browser, webapp):
    shown = browser.get("/oauth/authorize", authorization(webapp)).context["form"].initial["shown"]
    more = browser.get("/oauth/authorize", authorization(webapp, scope="notes:read notes:write"))
    address = f"{more.request['PATH_INFO']}?{more.request['QUERY_STRING']}"
    assert browser.post(address, {"shown": shown, "allow": "true"})["Location"] == address
    assert AuthorizationCode.objects.count() == 0


def test_a_request_sent_as_a_form_is_answered_like_a_request_in_the_address(browser, webapp):
    response = browser.post("/oauth/authorize", authorization(webapp))
    assert response.status_code == 303
    assert browser.get(response["Location"]).context["client"] == webapp


def test_a_user_who_is_not_logged_in_logs_in_and_returns_to_the_same_request(client, webapp):
    response = client.get("/oauth/authorize", authorization(webapp, login_hint="ada@example.org"))
    assert response["Location"].startswith("/accounts/login/?next=%2Foauth%2Fauthorize%3Fcontinue%3D")
    assert stored_query(client, parameters(response)["next"]).startswith("response_type=code&client_id=webapp")
    assert 'value="ada@example.org"' in client.get(response["Location"]).content.decode()


@pytest.mark.parametrize(
    ("changes", "ago", "asked_to_log_in"),
    [
        ({}, 3600, False),
        ({"max_age": "600"}, 300, False),
        ({"max_age": "600"}, 660, True),
        ({"max_age": "0"}, 0, True),
        ({"prompt": "login"}, 0, True),
        ({"prompt": "select_account"}, 0, True),
        ({"prompt": "consent"}, 0, False),
    ],
)
def test_an_old_login_is_renewed_if_the_request_requires_it(client, user, webapp, changes, ago, asked_to_log_in):
    log_in(client, user, ago=ago)
    response = client.get("/oauth/authorize", authorization(webapp, **changes))
    assert (response.status_code == 302) is asked_to_log_in


def test_prompt_none_shows_no_page(client, user, webapp, apis):
    silent = authorization(webapp, prompt="none")
    assert parameters(client.get("/oauth/authorize", silent))["error"] == "login_required"
    log_in(client, user)
    assert parameters(client.get("/oauth/authorize", silent))["error"] == "consent_required"
    own = make_client("own", "authorization_code", skip_authorization=True)
    assert "code" in parameters(client.get("/oauth/authorize", authorization(own, prompt="none")))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": None}, "invalid_request", id="RFC 6749 4.1.2.1: missing"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="RFC 9700 2.1.2: implicit"),
        pytest.param({"response_type": "code id_token"}, "unsupported_response_type", id="hybrid"),
        pytest.param({"response_type": "none"}, "unsupported_response_type", id="none"),
        pytest.param({"code_challenge": None}, "invalid_request", id="RFC 7636 4.4.1: no challenge"),
        pytest.param({"code_challenge": "short"}, "invalid_request", id="RFC 7636 4.2: no SHA-256"),
        pytest.param({"code_challenge_method": None}, "invalid_request", id="RFC 7636 4.3: plain by default"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="RFC 7636 4.3: plain"),
        pytest.param({"scope": "unknown"}, "invalid_scope", id="RFC 6749 3.3: unknown"),
        pytest.param({"scope": "other:read"}, "invalid_scope", id="RFC 6749 3.3: not this client's"),
        pytest.param({"scope": "profile"}, "invalid_scope", id="OIDC Core 5.4: profile without openid"),
        pytest.param({"resource": OTHER_API}, "invalid_target", id="RFC 8707 2: not this client's"),
        pytest.param({"resource": ["https://api.example/", OTHER_API]}, "invalid_target", id="RFC 8707 2: several"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="OIDC Core 3.1.2.1: none with another"),
        pytest.param({"prompt": "create"}, "invalid_request", id="unsupported prompt"),
        pytest.param({"max_age": "-1"}, "invalid_request", id="OIDC Core 3.1.2.1: max_age"),
        pytest.param({"max_age": "00"}, "invalid_request", id="max_age with a zero too many"),
        pytest.param({"max_age": "0600"}, "invalid_request", id="max_age with a zero before it"),
        pytest.param({"request": "x"}, "request_not_supported", id="OIDC Core 6.1"),
        pytest.param({"request_uri": "https://x.example"}, "request_uri_not_supported", id="OIDC Core 6.2"),
        pytest.param({"response_mode": "fragment"}, "invalid_request", id="response mode"),
        pytest.param({"nonce": ["a", "b"]}, "invalid_request", id="RFC 6749 3.1: repeated"),
    ],
)
def test_an_error_goes_to_the_client_with_state_and_issuer(browser, webapp, changes, error):
    response = browser.get("/oauth/authorize", authorization(webapp, **changes))
    assert response.status_code == 302
    assert response["Location"].startswith(f"{CALLBACK}?")
    answer = parameters(response)
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "s-1", ISSUER)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": ["webapp", "other"]},
        {"client_id": "web\0app"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": [CALLBACK, "https://evil.example/"]},
        {"redirect_uri": f"{CALLBACK}?more=1"},
        {"redirect_uri": None},
    ],
    ids=str,
)
def test_an_error_stays_at_the_issuer_if_client_or_redirect_uri_are_invalid(browser, webapp, changes):
    response = browser.get("/oauth/authorize", authorization(webapp, **changes))
    assert response.status_code == 400
    assert "Location" not in response
    assert response["X-Frame-Options"] == "DENY"


def test_without_openid_a_client_can_omit_its_only_redirect_uri(browser, webapp):
    query = authorization(webapp, redirect_uri=None, scope="notes:read")
    assert browser.get("/oauth/authorize", query).status_code == 200


def test_an_inactive_client_is_refused_like_an_unknown_client(browser, webapp):
    type(webapp).objects.update(is_active=False)
    assert browser.get("/oauth/authorize", authorization(webapp)).status_code == 400


def test_scopes_of_two_apis_need_a_resource(browser, apis):
    both = make_client("both", "authorization_code", scopes=("notes:read", "other:read"))
    query = authorization(both, scope="notes:read other:read")
    assert parameters(browser.get("/oauth/authorize", query))["error"] == "invalid_target"
    with_resource = authorization(both, scope="other:read", resource=OTHER_API)
    assert browser.get("/oauth/authorize", with_resource).context["api"] == apis[OTHER_API]


def test_a_native_application_can_listen_on_any_loopback_port(browser, apis):
    native = make_client("native", "authorization_code", public=True)
    native.redirect_uris = "http://127.0.0.1/callback"
    native.save()
    query = authorization(native, redirect_uri="http://127.0.0.1:51004/callback")
    assert allow(browser, query)["Location"].startswith("http://127.0.0.1:51004/callback?code=")


def test_a_session_without_a_login_at_the_login_page_leads_to_the_login(client, user, webapp):
    client.force_login(user)
    assert client.get("/oauth/authorize", authorization(webapp)).status_code == 302


def test_the_code_challenge_is_stored_with_the_code(browser, webapp):
    allow(browser, authorization(webapp))
    assert AuthorizationCode.objects.get().code_challenge == CHALLENGE


# --- consent that is remembered --------------------------------------------------------------------------------------


def test_a_user_who_agreed_is_not_asked_again_for_the_same_or_fewer_scopes(browser, webapp):
    assert "code" in parameters(allow(browser, authorization(webapp, scope="openid notes:read notes:write")))
    for scope in ("openid notes:read notes:write", "notes:read"):
        assert browser.get("/oauth/authorize", authorization(webapp, scope=scope)).status_code == 302
    assert browser.get("/oauth/authorize", authorization(webapp, prompt="none"))["Location"].startswith(CALLBACK)
    assert browser.get("/oauth/authorize", authorization(webapp, scope="openid email")).status_code == 200


def test_a_later_consent_is_added_to_the_earlier_consent(browser, webapp):
    allow(browser, authorization(webapp, scope="notes:read"))
    allow(browser, authorization(webapp, scope="notes:write"))
    assert browser.get("/oauth/authorize", authorization(webapp, scope="notes:read notes:write")).status_code == 302


def test_a_consent_from_before_a_client_remembers_consent_does_not_count(browser, webapp):
    type(webapp).objects.update(remembers_consent=False)
    assert "code" in parameters(allow(browser, authorization(webapp)))
    type(webapp).objects.update(remembers_consent=True)
    assert browser.get("/oauth/authorize", authorization(webapp)).status_code == 200


def test_a_refusal_is_not_remembered_as_consent(browser, webapp):
    allow(browser, authorization(webapp), answer="false")
    assert browser.get("/oauth/authorize", authorization(webapp)).status_code == 200


@pytest.mark.parametrize("why", ["prompt", "policy", "another user", "another client", "another API", "revoked"])
def test_the_user_is_asked_again_if_the_request_differs(browser, webapp, user, why, client, apis, admin_client):
    allow(browser, authorization(webapp))
    query = authorization(webapp)
    if why == "prompt":
        query["prompt"] = "consent"
    elif why == "policy":
        type(webapp).objects.update(remembers_consent=False)
    elif why == "another user":
        log_in(browser, User.objects.create_user("eve"))
    elif why == "another client":
        query = authorization(make_client("other", "authorization_code", public=True))
    elif why == "another API":
        webapp.scopes.add(*apis[OTHER_API].scopes.all())
        query = authorization(webapp, scope="openid other:read")
    else:
        grant = UserGrant.objects.get()
        admin_client.post("/admin/tokens/usergrant/", {"action": "revoke", "_selected_action": [str(grant.pk)]})
    assert browser.get("/oauth/authorize", query).status_code == 200


def test_an_earlier_consent_does_not_count_for_a_program_on_a_device(browser, apis):
    """RFC 8252 section 8.6: another program on the device can claim the redirect URI of a native application."""
    for number, uri in enumerate(("http://127.0.0.1/cb", "com.example.app:/cb")):
        app = make_client(f"app{number}", "authorization_code", public=True)
        type(app).objects.filter(pk=app.pk).update(redirect_uris=uri)
        app.refresh_from_db()
        assert "code" in parameters(allow(browser, authorization(app, redirect_uri=uri)))
        assert browser.get("/oauth/authorize", authorization(app, redirect_uri=uri)).status_code == 200


LOOPBACK = {
    "http://127.0.0.1/cb": True,
    "http://[::1]/cb": True,
    "http://localhost/cb": True,
    "com.example.app:/cb": False,
}


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("uri", LOOPBACK)
def test_in_development_a_consent_for_a_loopback_address_can_be_remembered(browser, apis, settings, uri, public):
    app = make_client("app", "authorization_code", public=public)
    Client.objects.update(redirect_uris=uri)
    query = authorization(app, redirect_uri=uri)
    allow(browser, query)
    settings.DEBUG = True
    settings.ISSUER = settings.ISSUER | {"DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": True}
    assert (browser.get("/oauth/authorize", query).status_code == 302) is LOOPBACK[uri]
    assert browser.get("/oauth/authorize", query | {"prompt": "consent"}).status_code == 200
    Client.objects.update(remembers_consent=False)
    assert browser.get("/oauth/authorize", query).status_code == 200
    Client.objects.update(remembers_consent=True)
    settings.ISSUER = settings.ISSUER | {"DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": False}
    assert browser.get("/oauth/authorize", query).status_code == 200, "not without the setting"


@pytest.mark.parametrize("values", [PASSWORD, f"phr {PASSWORD} unknown"])
def test_one_of_several_acr_values_suffices_and_the_token_names_it(browser, webapp, decode, values):
    body = redeem(browser, webapp, parameters(allow(browser, authorization(webapp, acr_values=values)))["code"]).json()
    assert decode(body["id_token"], "webapp")[1]["acr"] == PASSWORD


def test_acr_values_are_voluntary_without_an_api(browser, webapp, decode):
    """OpenID Connect Core section 15.1: acr_values never cause an error. The ID token names the class of the login."""
    query = authorization(webapp, scope="openid", acr_values="1 2", prompt="consent")
    body = redeem(browser, webapp, parameters(allow(browser, query))["code"]).json()
    assert decode(body["id_token"], "webapp")[1]["acr"] == PASSWORD


@pytest.mark.parametrize("values", ["urn:example:gold", "PHR http://schemas.openid.net/pape/policies/2007/06/physical"])
@pytest.mark.parametrize("prompt", [None, "none", "consent"])
def test_an_acr_that_no_login_at_the_issuer_has_is_an_error(browser, webapp, values, prompt):
    """The error is unmet_authentication_requirements (RFC 9470 section 5)."""
    answer = parameters(browser.get("/oauth/authorize", authorization(webapp, acr_values=values, prompt=prompt)))
    assert (answer["error"], answer["iss"]) == ("unmet_authentication_requirements", ISSUER)


def test_an_acr_is_checked_after_the_login(client, user, webapp):
    query = authorization(webapp, acr_values="urn:example:gold")
    back = parameters(client.get("/oauth/authorize", query))["next"]
    assert back.startswith("/oauth/authorize?")
    log_in(client, user)
    assert parameters(client.get(back))["error"] == "unmet_authentication_requirements"


def test_a_login_hint_fills_in_the_name_and_nothing_else(client, webapp):
    sent = client.get("/oauth/authorize", authorization(webapp, login_hint='ada"><script>'))
    page = client.get(sent["Location"]).content.decode()
    assert 'value="ada&quot;&gt;&lt;script&gt;"' in page


# --- an API without a scope ------------------------------------------------------------------------------------------


def test_a_client_can_request_an_api_without_scopes_by_its_identifier(client, service, apis, decode):
    service.apis.add(apis[OTHER_API])
    form = {"grant_type": "client_credentials", "resource": OTHER_API}
    body = post(client, "/oauth/token", form, **basic("service", service.plain)).json()
    _, claims = decode(body["access_token"], OTHER_API)
    assert "scope" not in claims
    assert "scope" not in body
    for changes, error in (
        ({"scope": "other:read"}, "invalid_scope"),
        ({"resource": "https://nobody.example/"}, "invalid_target"),
        ({"resource": [OTHER_API, API]}, "invalid_target"),
        ({"resource": "http://localhost:8000"}, "invalid_target"),
    ):
        answer = post(client, "/oauth/token", form | changes, **basic("service", service.plain))
        assert answer.json()["error"] == error, changes
    service.apis.clear()
    answer = post(client, "/oauth/token", form, **basic("service", service.plain))
    assert answer.json()["error"] == "invalid_target"


@pytest.mark.parametrize(
    ("redirect_uri", "words"),
    [
        (
            "https://client.example/callback",
            "The answer goes to <strong>client.example</strong>, and to no other site.",
        ),
        ("http://127.0.0.1:7777/", "a program on your own device, at <strong>127.0.0.1:7777</strong>"),
        ("com.example.app://bank.example/", "<strong>com.example.app: (an application on your device)</strong>"),
    ],
)
def test_the_consent_page_names_who_gets_the_answer(client, user, spa, redirect_uri, words):
    Client.objects.filter(pk=spa.pk).update(redirect_uris=redirect_uri)
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(spa, redirect_uri=redirect_uri)).content.decode()
    assert words in page
