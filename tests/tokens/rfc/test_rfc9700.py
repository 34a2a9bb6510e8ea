"""RFC 9700: exact redirects (2.1, 4.1), no weak flow (2.1.1 to 2.4), no leak and no reuse (4.2 to 4.16)."""

from unittest.mock import ANY

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser

from tests.tokens.factories import (
    CALLBACK,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
)
from tests.tokens.rfc import ISSUER, answer, granted, page, redirected, redirected_invalid_request, refusal
from tokens.authorize.pkce import CHANGE_SETTING, MISSING
from tokens.authorize.redirect_uri import NOT_REGISTERED
from tokens.models import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

CODE = redirected(("code", ANY), ("state", "s-1"), ("iss", ISSUER), status=303)
MISMATCH = page(NOT_REGISTERED)
INVALID = page("Invalid redirect URI.")


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


ADDRESSES = {
    "2.1: the registered one": (CALLBACK, CODE),
    "2.1: upper case": ("https://client.example/Callback", MISMATCH),
    "2.1: an upper-case host": ("https://CLIENT.example/callback", MISMATCH),
    "2.1: the default port": ("https://client.example:443/callback", MISMATCH),
    "2.1: encoded": ("https://client.example/%63allback", MISMATCH),
    "2.1: a query": (f"{CALLBACK}?x=1", MISMATCH),
    "2.1: an empty query": (f"{CALLBACK}?", MISMATCH),
    "4.1.1: a subdomain": ("https://x.client.example/callback", MISMATCH),
    "4.1.1: a host that begins alike": ("https://client.example.evil.example/callback", MISMATCH),
    "4.1.1: a path that leads up": (f"{CALLBACK}/../evil", MISMATCH),
    "4.1.1: a user that looks like the host": ("https://client.example@evil.example/callback", INVALID),
    "4.1.1: a backslash": ("https://evil.example\\@client.example/callback", INVALID),
    "2.6: no TLS": ("http://client.example/callback", MISMATCH),
}


@pytest.mark.parametrize("section", ADDRESSES)
def test_a_redirect_uri_is_compared_character_by_character(browser, webapp, section):
    uri, expected = ADDRESSES[section]
    assert answer(allow(browser, authorization(webapp, redirect_uri=uri))) == expected


PKCE = {
    "2.1.1: a confidential client with PKCE": ({}, CODE),
    "2.1.1: a confidential client without": (
        {"code_challenge": None},
        redirected_invalid_request(f"{MISSING}{CHANGE_SETTING}"),
    ),
    "4.8.2: taken out on its way": (
        {"code_challenge": None, "code_challenge_method": None},
        redirected_invalid_request(f"{MISSING}{CHANGE_SETTING}"),
    ),
    "2.1.1: one that shows the verifier": (
        {"code_challenge_method": "plain"},
        redirected_invalid_request("The code_challenge_method is not supported; use S256."),
    ),
}


@pytest.mark.parametrize("section", PKCE)
def test_pkce_is_required_of_every_client(browser, webapp, section):
    changes, expected = PKCE[section]
    assert answer(allow(browser, authorization(webapp, **changes))) == expected


def test_an_injected_code_is_refused(client, user, webapp):
    """RFC 9700 section 4.5: the attacker's session with the client has another verifier."""
    stolen = parameters(allow_by(user, authorization(webapp)))["code"]
    wrong = refusal("invalid_grant", "The code verifier does not match the code challenge.")
    assert answer(redeem(client, webapp, stolen, code_verifier="y" * 43)) == wrong
    assert answer(redeem(client, webapp, stolen)) == granted("openid notes:read", id_token=ANY)


def allow_by(user, query):
    browser = Browser()
    log_in(browser, user)
    return allow(browser, query)


REFUSED = {
    "4.11.2: a wrong scope": {"scope": "unknown"},
    "4.11.2: a wrong response type": {"response_type": "x"},
    "4.11.2: a parameter twice": {"nonce": ["a", "b"]},
    "4.11.2: a wrong prompt": {"prompt": "create"},
    "4.11.2: no code challenge": {"code_challenge": None},
    "4.11.2: no code challenge, the answer as a form": {"code_challenge": None, "response_mode": "form_post"},
}


@pytest.mark.parametrize("section", REFUSED)
def test_an_error_is_redirected_to_the_client_only_if_the_user_is_logged_in(client, user, webapp, section):
    """Without a login, a malformed request gets an error page of the issuer.

    A link in a mail, which has such a request, cannot redirect to the site of an attacker's client (open redirect).
    """
    request = authorization(webapp, **REFUSED[section])
    shown = client.get("/oauth/authorize", request)
    assert (shown.status_code, "Location" in shown, CALLBACK in shown.content.decode()) == (400, False, False)
    log_in(client, user)
    sent = client.get("/oauth/authorize", request)
    assert CALLBACK in (sent["Location"] if "Location" in sent else sent.content.decode())


def test_a_request_without_pages_gets_its_error_without_a_login(client, webapp):
    """An error is redirected without a login only for prompt=none (RFC 9700 section 4.11.2)."""
    response = client.get("/oauth/authorize", authorization(webapp, scope="unknown", prompt="none"))
    assert response["Location"].startswith(f"{CALLBACK}?error=invalid_scope")


FLOWS = {
    "2.1: code": ("authorization_code", refusal("invalid_request", "Missing code parameter.")),
    "2.1.2: implicit": ("implicit", refusal("unsupported_grant_type", "This issuer does not know the grant type.")),
    "2.4: password": ("password", refusal("unsupported_grant_type", "This issuer does not know the grant type.")),
}


@pytest.mark.parametrize("section", FLOWS)
def test_a_flow_that_leaks_tokens_is_not_supported(client, webapp, section):
    grant, expected = FLOWS[section]
    Client.objects.update(grants=["authorization_code", grant])
    form = {"grant_type": grant, "username": "ada", "password": "correct horse", "scope": "notes:read"}
    assert answer(post(client, "/oauth/token", form, **basic("webapp", webapp.plain))) == expected


CLOSED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    # Not of this RFC: a client that opened the login in a popup keeps it.
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
PAGES = {
    "4.2.4, 4.16: the consent page": ("/oauth/authorize", {}, True, 200),
    "4.2.4, 4.16: an error page": ("/oauth/authorize", {"client_id": "nobody"}, True, 400),
    "4.2.4: a redirect with an error": ("/oauth/authorize", {"scope": "unknown"}, True, 302),
    "4.2.4: a redirect to the login": ("/oauth/authorize", {}, False, 302),
    "4.2.4, 4.16: the login page": ("/accounts/login/", {}, False, 200),
    "4.2.4, 4.16: the device page": ("/oauth/device/verify", {}, True, 200),
    "4.2.4, 4.16: the logout page": ("/oauth/logout", {}, True, 200),
}


@pytest.mark.parametrize("section", PAGES)
def test_a_page_cannot_be_framed_and_sends_no_referrer(client, user, webapp, section):
    path, changes, logged_in, status = PAGES[section]
    if logged_in:
        log_in(client, user)
    response = client.get(path, authorization(webapp, **changes) if path == "/oauth/authorize" else {})
    assert response.status_code == status
    assert {name: response.get(name) for name in CLOSED} == CLOSED


def test_a_redirect_after_a_form_does_not_repeat_its_fields(browser, webapp):
    """RFC 9700 section 4.12: the status of the redirect is 303, never 307."""
    assert answer(allow(browser, authorization(webapp))) == CODE
    assert browser.post("/oauth/authorize", authorization(webapp)).status_code == 303


def test_a_forged_consent_is_refused(user, webapp):
    """A consent form that another site sends lacks the CSRF token (RFC 9700 section 4.7)."""
    strict = Browser(enforce_csrf_checks=True)
    log_in(strict, user)
    shown = strict.get("/oauth/authorize", authorization(webapp))
    form = {"shown": shown.context["form"].initial["shown"], "allow": "true"}
    address = f"/oauth/authorize?{shown.request['QUERY_STRING']}"
    assert post(strict, address, form).status_code == 403
    form["csrfmiddlewaretoken"] = strict.cookies["issuer_csrf"].value
    assert answer(post(strict, address, form))[:2] == (303, CODE.headers)


ORIGIN = {"HTTP_ORIGIN": "https://app.example"}
CORS = {
    "2.6: never at the authorization endpoint": ("/oauth/authorize", None),
    "2.6: at the token endpoint": ("/oauth/token", "https://app.example"),
    "2.6: at the metadata": ("/.well-known/oauth-authorization-server", "*"),
}


@pytest.mark.parametrize("section", CORS)
def test_a_page_of_another_origin_reads_the_endpoints_of_the_table_only(client, apis, section):
    path, expected = CORS[section]
    make_client("page", "authorization_code", public=True, allowed_origins="https://app.example")
    assert client.get(path, **ORIGIN).get("Access-Control-Allow-Origin") == expected


NAMES = {"4.15: a name": ("service-1", True), "4.15: the form of a user's sub": ("0" * 36, False)}


@pytest.mark.parametrize("section", NAMES)
def test_a_client_id_is_never_a_sub(apis, section):
    name, good = NAMES[section]
    client = Client(client_id=name, name=name, token_endpoint_auth_method="client_secret_basic")
    if good:
        client.full_clean()
    else:
        with pytest.raises(ValidationError, match="client_id_is_a_document_or_never_a_subject"):
            client.full_clean()
