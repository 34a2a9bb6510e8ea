"""RFC 8252: redirect URIs of native applications (7.1 to 7.3), and their security (8)."""

from unittest.mock import ANY

import pytest

from tests.tokens.factories import allow, authorization, log_in, make_client, parameters, post, redeem
from tests.tokens.rfc import INVALID_CLIENT, ISSUER, answer, granted, page, redirected, refusal
from tokens.addresses import redirect_uri_problem
from tokens.authorize.redirect_uri import LOCALHOST_PORT, NOT_REGISTERED
from tokens.models import Client

pytestmark = pytest.mark.usefixtures("signer")

APP = "com.example.app:/callback"
CLAIMED = "https://app.example/callback"
LOOPBACK = "http://127.0.0.1/callback"
LOOPBACK_6 = "http://[::1]/callback"
REGISTERED = (APP, CLAIMED, LOOPBACK, LOOPBACK_6, "http://127.0.0.1:4000/fixed?x=1", "http://localhost:4000/callback")
UNDOTTED = "myapp:/callback"
MISMATCH = page(NOT_REGISTERED)
INVALID = page("Invalid redirect URI.")


@pytest.fixture
def native(apis):
    made = make_client("native", "authorization_code", public=True)
    Client.objects.update(redirect_uris=" ".join([*REGISTERED, UNDOTTED]))
    return made


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


# The redirect URI of a request; what is answered where it is not allowed.
ADDRESSES = {
    "7.1: a private-use scheme": (APP, None),
    "7.1: another path": ("com.example.app:/other", MISMATCH),
    "7.1: another application's scheme": ("com.example.other:/callback", MISMATCH),
    "7.1: two slashes": ("com.example.app://callback", MISMATCH),
    "7.1: a scheme without a dot, though registered": ("myapp:/callback", MISMATCH),
    "7.2: a claimed https address": (CLAIMED, None),
    "7.2: another path at it": (f"{CLAIMED}/x", MISMATCH),
    "7.2: its port is fixed": ("https://app.example:8443/callback", MISMATCH),
    "7.2: without TLS": ("http://app.example/callback", MISMATCH),
    "7.3: IPv4, the registered port": (LOOPBACK, None),
    "7.3: IPv4, any port": ("http://127.0.0.1:51004/callback", None),
    "7.3: IPv4, where a port is registered": ("http://127.0.0.1:51004/fixed?x=1", None),
    "7.3: IPv4, another query": ("http://127.0.0.1:51004/fixed?x=2", MISMATCH),
    "7.3: IPv4, another path": ("http://127.0.0.1:51004/other", MISMATCH),
    "7.3: IPv4, with TLS": ("https://127.0.0.1:51004/callback", MISMATCH),
    "7.3: IPv4, no port at all": ("http://127.0.0.1:99999/callback", MISMATCH),
    "7.3: IPv6, any port": ("http://[::1]:61023/callback", None),
    "7.3: IPv6, another path": ("http://[::1]:61023/fixed?x=1", MISMATCH),
    "7.3: another loopback address": ("http://127.0.0.2:51004/callback", MISMATCH),
    "7.3: an address that begins like one": ("http://127.0.0.1.evil.example/callback", MISMATCH),
    "7.3: a user before the address": ("http://127.0.0.1:51004@evil.example/callback", INVALID),
    "8.3: localhost as it is registered": ("http://localhost:4000/callback", None),
    "8.3: localhost is a name, and its port fixed": ("http://localhost:51004/callback", page(LOCALHOST_PORT)),
    "8.4: without one, where several are registered": (None, page("Missing redirect URI.")),
}


@pytest.mark.parametrize("section", ADDRESSES)
def test_a_native_application_gets_the_response_at_a_permitted_address_only(browser, native, section):
    uri, expected = ADDRESSES[section]
    to, _, query = (uri or "").partition("?")
    own = [tuple(query.split("="))] if query else []
    code = redirected(*own, ("code", ANY), ("state", "s-1"), ("iss", ISSUER), to=to, status=303)
    assert answer(allow(browser, authorization(native, redirect_uri=uri))) == (expected or code)


def test_a_scheme_without_a_dot_is_permitted_if_the_client_has_the_option(browser, native):
    Client.objects.update(allows_undotted_schemes=True)
    code = redirected(("code", ANY), ("state", "s-1"), ("iss", ISSUER), to=UNDOTTED, status=303)
    assert answer(allow(browser, authorization(native, redirect_uri=UNDOTTED))) == code
    assert answer(browser.get("/oauth/authorize", authorization(native, redirect_uri="other:/callback"))) == MISMATCH


PORTS = {
    "8.3: a public client with the switch": (True, True, True),
    "8.3: a public client without it": (True, None, False),
    "8.3: a confidential client, also if its row has it": (False, True, False),
}


@pytest.mark.parametrize("section", PORTS)
def test_localhost_matches_with_any_port_for_a_public_client_with_the_switch(browser, apis, section):
    public, switch, permitted = PORTS[section]
    app = make_client("app", "authorization_code", public=public, allows_any_localhost_port=switch)
    Client.objects.update(redirect_uris="http://localhost/callback")
    uri = "http://localhost:41887/callback"
    code = redirected(("code", ANY), ("state", "s-1"), ("iss", ISSUER), to=uri, status=303)
    assert answer(allow(browser, authorization(app, redirect_uri=uri))) == (code if permitted else page(LOCALHOST_PORT))


def test_another_path_at_localhost_is_not_said_to_be_the_port_if_the_port_is_free(browser, apis):
    app = make_client("app", "authorization_code", public=True, allows_any_localhost_port=True)
    Client.objects.update(redirect_uris="http://localhost/callback")
    request = authorization(app, redirect_uri="http://localhost:41887/other")
    assert answer(browser.get("/oauth/authorize", request)) == page(NOT_REGISTERED)


def test_a_code_that_was_sent_to_a_free_port_is_redeemed_with_that_port_only(browser, apis):
    app = make_client("app", "authorization_code", public=True, allows_any_localhost_port=True)
    Client.objects.update(redirect_uris="http://localhost")
    uri = "http://localhost:41887"
    issued = parameters(allow(browser, authorization(app, redirect_uri=uri)))["code"]
    assert redeem(browser, app, issued, redirect_uri="http://localhost:41888").status_code == 400
    assert redeem(browser, app, issued, redirect_uri=uri).status_code == 200


REGISTRATIONS = {
    "7.1: a scheme under one's own domain": (APP, True),
    "7.1: a scheme without a dot": ("myapp:/callback", False),
    "7.1: two slashes": ("com.example.app://callback", True),
    "7.1: a scheme and no path": ("com.example.app:callback", False),
    "7.1: a scheme that browsers run": ("javascript:/alert", False),
    "7.2: https": (CLAIMED, True),
    "7.2: http": ("http://app.example/callback", False),
    "7.3: loopback without a port": (LOOPBACK, True),
    "7.3: IPv6 loopback": (LOOPBACK_6, True),
    "7.3: another address of the device": ("http://192.168.0.1/callback", False),
    "8.4: a wildcard": ("https://*.app.example/callback", False),
    "8.4: a fragment": (f"{CLAIMED}#x", False),
    "8.4: no URI": ("urn:ietf:wg:oauth:2.0:oob", False),
}


@pytest.mark.parametrize("section", REGISTRATIONS)
def test_a_redirect_uri_is_registered_by_the_table(section):
    uri, good = REGISTRATIONS[section]
    assert (redirect_uri_problem(uri) is None) is good


SENT = {
    "8.1: its name, code and verifier": ({}, granted("openid notes:read", id_token=ANY)),
    "8.1: no verifier": ({"code_verifier": None}, refusal("invalid_grant", "Missing code_verifier parameter.")),
    "8.1: a verifier of somebody else": (
        {"code_verifier": "x" * 43},
        refusal("invalid_grant", "The code verifier does not match the code challenge."),
    ),
    "8.5: a secret, which proves nothing": ({"client_secret": "shared"}, INVALID_CLIENT),
    "7.3: without the port of the request": (
        {"redirect_uri": LOOPBACK},
        refusal("invalid_grant", "The redirect URI is not that of the authorization request."),
    ),
}


@pytest.mark.parametrize("section", SENT)
def test_a_code_is_redeemed_by_the_application_that_requested_it_only(browser, native, section):
    changes, expected = SENT[section]
    uri = "http://127.0.0.1:51004/callback"
    issued = parameters(allow(browser, authorization(native, redirect_uri=uri)))["code"]
    assert answer(redeem(browser, native, issued, **({"redirect_uri": uri} | changes))) == expected


def test_a_native_application_has_no_implicit_grant(browser, native):
    """The response type `token` is refused (RFC 8252 section 8.2)."""
    response = browser.get("/oauth/authorize", authorization(native, redirect_uri=APP, response_type="token"))
    description = "The response type is not supported; use code."
    expected = [
        ("error", "unsupported_response_type"),
        ("error_description", description),
        ("state", "s-1"),
        ("iss", ISSUER),
    ]
    assert answer(response) == redirected(*expected, to=APP)


CONSENT_AGAIN = {
    "8.6: a private-use scheme": (APP, 200),
    "8.6: loopback": (LOOPBACK, 200),
    "8.6: https": (CLAIMED, 302),
}


@pytest.mark.parametrize("section", CONSENT_AGAIN)
def test_consent_is_asked_again_if_any_program_can_claim_the_address(browser, native, section):
    """Any program on the device can claim a private-use scheme or a loopback address, but no https address."""
    uri, status = CONSENT_AGAIN[section]
    request = authorization(native, redirect_uri=uri)
    allow(browser, request)
    assert browser.get("/oauth/authorize", request).status_code == status


SKIPPED = {
    "8.6: public, a private-use scheme": (True, APP, 200),
    "8.6: public, loopback": (True, LOOPBACK, 200),
    "8.6: public, localhost": (True, "http://localhost:4000/callback", 200),
    "8.6: public, https": (True, CLAIMED, 302),
    "8.6: confidential, loopback": (False, LOOPBACK, 302),
}


@pytest.mark.parametrize("section", SKIPPED)
def test_consent_is_skipped_only_for_a_client_that_authenticates_or_an_https_address(browser, apis, section):
    """The client_id of a public client does not authenticate it, because any program can send the client_id."""
    public, uri, status = SKIPPED[section]
    own = make_client("own", "authorization_code", public=public, skip_authorization=True)
    Client.objects.update(redirect_uris=uri)
    assert browser.get("/oauth/authorize", authorization(own, redirect_uri=uri)).status_code == status


def test_a_native_application_gets_no_token_by_client_credentials(browser, native):
    """A native application is a public client, because it cannot keep a secret (RFC 8252 section 8.5)."""
    Client.objects.update(grants=["client_credentials"])
    form = {"grant_type": "client_credentials", "client_id": "native", "scope": "notes:read"}
    expected = refusal("unauthorized_client", "A public client cannot act for itself.")
    assert answer(post(browser, "/oauth/token", form)) == expected
