"""Authorization requests with `acr_values` ask a logged-in user for the missing factor (RFC 9470 section 4).

Tokens name the authentication class that was reached.
"""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.http import HttpRequest
from django.utils import timezone

from tests.tokens.factories import allow, authorization, log_in, parameters, redeem, refreshed
from tokens.authentication_class import MULTI_FACTOR, PASSWORD, PHISHING_RESISTANT
from tokens.authorize import login_session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


@pytest.fixture
def secret(user):
    made = generate_totp_secret()
    TOTP.activate(user, made)
    return made


def authenticate(browser, user, kind):
    """Record in the session an authentication with the second factor `kind`, such as "totp", as a step-up does."""
    request = HttpRequest()
    request.session = browser.session
    record_authentication(request, user, "mfa", type=kind)
    login_session.date_last(request, user, now=timezone.now())
    request.session.save()


def step(answer):
    """Return the class and the next address from a redirect to the step-up page.

    The user must authenticate by this authentication class. Then the step-up page redirects to the next address.
    """
    parts = urlsplit(answer["Location"])
    assert parts.path == "/accounts/step-up/", answer["Location"]
    query = parse_qs(parts.query)
    return query["class"][0], query["next"][0]


def named(browser, client, decode, **changes):
    """Let the user allow an authorization request, and return the `acr` of the ID token.

    `changes` replace parameters of the request. If the scope has notes:read, the access token must have the same `acr`.
    """
    body = redeem(browser, client, parameters(allow(browser, authorization(client, **changes)))["code"]).json()
    classes = {decode(body["id_token"], client.client_id)[1]["acr"]}
    if "notes:read" in changes.get("scope", "notes:read"):
        classes.add(decode(body["access_token"], "https://api.example/")[1]["acr"])
    [acr] = classes
    return acr


def test_a_user_logged_in_by_password_is_asked_for_the_code_only_and_returns(browser, webapp, secret, decode):
    query = authorization(webapp, acr_values=MULTI_FACTOR)
    needed, back = step(browser.get("/oauth/authorize", query))
    assert needed == MULTI_FACTOR
    page = browser.get(f"/accounts/step-up/?class={needed}&next={back}")["Location"]
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    answer = browser.post(page.partition("?")[0], {"code": code, "next": back})
    assert answer["Location"] == back
    assert browser.get(back).status_code == 200, "the consent page"
    assert named(browser, webapp, decode, acr_values=MULTI_FACTOR) == MULTI_FACTOR


@pytest.mark.parametrize(
    ("kind", "values", "name"),
    [
        ("totp", MULTI_FACTOR, MULTI_FACTOR),
        ("totp", PASSWORD, PASSWORD),
        ("totp", f"{PHISHING_RESISTANT} {MULTI_FACTOR}", MULTI_FACTOR),
        ("totp", None, MULTI_FACTOR),
        ("webauthn", PHISHING_RESISTANT, PHISHING_RESISTANT),
        ("webauthn", MULTI_FACTOR, MULTI_FACTOR),
        ("webauthn", f"{MULTI_FACTOR} {PHISHING_RESISTANT}", MULTI_FACTOR),
        ("webauthn", f"{PHISHING_RESISTANT} {MULTI_FACTOR}", PHISHING_RESISTANT),
        ("webauthn", None, PHISHING_RESISTANT),
    ],
)
def test_the_tokens_name_the_first_requested_class_that_the_login_satisfies(
    browser, user, webapp, decode, kind, values, name
):
    authenticate(browser, user, kind)
    assert named(browser, webapp, decode, acr_values=values) == name


@pytest.mark.parametrize(
    ("kind", "values", "needed"),
    [
        (None, PHISHING_RESISTANT, PHISHING_RESISTANT),
        (None, f"{PHISHING_RESISTANT} {MULTI_FACTOR}", MULTI_FACTOR),
        (None, f"urn:example:gold {MULTI_FACTOR}", MULTI_FACTOR),
        ("totp", PHISHING_RESISTANT, PHISHING_RESISTANT),
    ],
)
def test_the_weakest_class_that_suffices_is_asked_for(browser, user, webapp, kind, values, needed):
    if kind:
        authenticate(browser, user, kind)
    assert step(browser.get("/oauth/authorize", authorization(webapp, acr_values=values)))[0] == needed


def test_an_essential_claim_acr_asks_for_the_factor_too(browser, webapp):
    document = '{"id_token": {"acr": {"essential": true, "value": "phr"}}}'
    query = authorization(webapp, scope="openid", claims=document)
    assert step(browser.get("/oauth/authorize", query))[0] == PHISHING_RESISTANT


def test_a_silent_request_gets_login_required_instead_of_a_page(browser, webapp):
    query = authorization(webapp, acr_values=PHISHING_RESISTANT, prompt="none")
    assert parameters(browser.get("/oauth/authorize", query))["error"] == "login_required"


def test_without_an_api_the_class_is_asked_for_only_if_the_user_has_the_factor(browser, user, webapp, decode):
    query = authorization(webapp, scope="openid", acr_values=PHISHING_RESISTANT)
    assert named(browser, webapp, decode, scope="openid", acr_values=PHISHING_RESISTANT) == PASSWORD
    Authenticator.objects.create(user=user, type="webauthn", data={})
    assert step(browser.get("/oauth/authorize", query))[0] == PHISHING_RESISTANT
    silent = browser.get("/oauth/authorize", query | {"prompt": "none"})
    assert parameters(silent).get("error") != "login_required", "a voluntary class is no reason to refuse"


def test_a_new_login_is_required_before_a_further_factor(browser, webapp):
    query = authorization(webapp, acr_values=PHISHING_RESISTANT, prompt="login")
    assert browser.get("/oauth/authorize", query)["Location"].startswith("/accounts/login/")


def test_a_code_of_today_does_not_make_yesterday_s_password_new(client, user, webapp):
    log_in(client, user, ago=1000)
    authenticate(client, user, "totp")
    answer = client.get("/oauth/authorize", authorization(webapp, max_age="500"))
    assert answer["Location"].startswith("/accounts/login/")
    assert client.get("/oauth/authorize", authorization(webapp, max_age="2000")).status_code == 200


def test_a_consent_form_of_a_login_that_is_too_weak_gives_no_code(browser, user, webapp):
    """The consent page was shown after a login with a second factor.

    Its form is sent in a session with the password only.
    """
    page = browser.get("/oauth/authorize", authorization(webapp))
    shown = page.context["form"].initial["shown"]
    address = f"/oauth/authorize?{page.request['QUERY_STRING']}&acr_values={PHISHING_RESISTANT}"
    answer = browser.post(address, {"shown": shown, "allow": "true"})
    assert answer["Location"] == address


def test_a_refreshed_token_keeps_the_class(browser, user, webapp, decode):
    webapp.grants = ["authorization_code", "refresh_token"]
    webapp.save()
    authenticate(browser, user, "webauthn")
    query = authorization(webapp, scope="openid notes:read offline_access", acr_values=PHISHING_RESISTANT)
    body = redeem(browser, webapp, parameters(allow(browser, query))["code"]).json()
    again = refreshed(browser, webapp, body["refresh_token"]).json()
    assert decode(again["access_token"], "https://api.example/")[1]["acr"] == PHISHING_RESISTANT
