"""RFC 6749 at the authorization endpoint: the request (3.1, 4.1.1), its response (4.1.2), and redirects of errors."""

from unittest.mock import ANY

import pytest

from tests.tokens.factories import CALLBACK, allow, authorization, log_in, make_client
from tests.tokens.rfc import ISSUER, answer, page, redirected
from tokens.authorize.redirect_uri import NOT_REGISTERED
from tokens.authorize.server import UNKNOWN_CLIENT
from tokens.models import Client

pytestmark = pytest.mark.django_db

CODE = redirected(("code", ANY), ("state", "s-1"), ("iss", ISSUER), status=303)
EVIL = "https://evil.example/callback"


def sent_back(error, description, *, status=302):
    error_parameters = [("error", error), ("error_description", description), ("state", "s-1"), ("iss", ISSUER)]
    return redirected(*error_parameters, status=status)


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


UNKNOWN_SCOPE = sent_back("invalid_scope", "The scope unknown is unknown, or this client may not request it.")
NOT_ITS_SCOPE = sent_back("invalid_scope", "The scope other:read is unknown, or this client may not request it.")
NO_RESPONSE_TYPE = sent_back("invalid_request", "Missing response_type parameter.")
NO_SUCH_TYPE = sent_back("unsupported_response_type", "The response type is not supported; use code.")
NOWHERE = page(NOT_REGISTERED)

REQUESTS = {
    "4.1.1: as it should be": ({}, CODE),
    "3.1: what is not known is ignored": ({"more": "x"}, CODE),
    "3.1: what is not known is ignored twice": ({"more": ["x", "y"]}, CODE),
    "3.1: no value is no parameter": ({"resource": ""}, CODE),
    "3.1: a parameter twice": (
        {"nonce": ["a", "b"]},
        sent_back("invalid_request", "The nonce parameter occurs more than once."),
    ),
    "3.1.1: no response type": ({"response_type": None}, NO_RESPONSE_TYPE),
    "3.1.1: an empty response type": ({"response_type": ""}, NO_RESPONSE_TYPE),
    "3.1.1: token": ({"response_type": "token"}, NO_SUCH_TYPE),
    "3.1.1: several response types": ({"response_type": "code token"}, NO_SUCH_TYPE),
    "3.1.1: upper case": ({"response_type": "CODE"}, NO_SUCH_TYPE),
    "3.1.2.3: no redirect URI where one is registered": ({"redirect_uri": None, "scope": "notes:read"}, CODE),
    "3.1.2.3, OIDC Core 3.1.2.1: none, with openid": ({"redirect_uri": None}, page("Missing redirect URI.")),
    "4.1.2.1: two response types": (
        {"response_type": ["code", "token"]},
        sent_back("invalid_request", "The response_type parameter occurs more than once."),
    ),
    "4.1.2.1: two scopes": (
        {"scope": ["openid", "notes:read"]},
        sent_back("invalid_request", "The scope parameter occurs more than once."),
    ),
    "4.1.2.1: two states, of which none is sent": (
        {"state": ["s-1", "s-2"]},
        redirected(
            ("error", "invalid_request"),
            ("error_description", "The state parameter occurs more than once."),
            ("iss", ISSUER),
        ),
    ),
    "4.1.2.1: a control character": (
        {"nonce": "n\n1"},
        sent_back("invalid_request", "The nonce parameter holds a control character."),
    ),
    "4.1.2.1: a control character in the client": (
        {"client_id": "web\0app"},
        page("The client_id parameter holds a control character."),
    ),
    "4.1.2.1: a control character in the redirect URI": (
        {"redirect_uri": f"{CALLBACK}\n"},
        page("The redirect_uri parameter holds a control character."),
    ),
    "3.1.2.4: a redirect URI that is not registered": ({"redirect_uri": EVIL}, NOWHERE),
    "3.1.2.4: a redirect URI with more to it": ({"redirect_uri": f"{CALLBACK}/more"}, NOWHERE),
    "3.1.2.4: no URI": ({"redirect_uri": "callback"}, page("Invalid redirect URI.")),
    "3.1.2: a redirect URI with a fragment": ({"redirect_uri": f"{CALLBACK}#x"}, page("Invalid redirect URI.")),
    "3.3: one scope": ({"scope": "notes:read"}, CODE),
    "3.3: no scope": ({"scope": None}, CODE),
    "4.1.2.1 invalid_scope: unknown": ({"scope": "unknown"}, UNKNOWN_SCOPE),
    "4.1.2.1 invalid_scope: another client's": ({"scope": "other:read"}, NOT_ITS_SCOPE),
    "4.1.2.1: no client": ({"client_id": None}, page("Missing client_id parameter.")),
    "4.1.2.1: an unknown client": ({"client_id": "nobody"}, page(UNKNOWN_CLIENT)),
    "4.1.2.1: two clients": ({"client_id": ["webapp", "spa"]}, page("Duplicate client_id parameter.")),
    "4.1.2.1: two redirect URIs": ({"redirect_uri": [CALLBACK, EVIL]}, page("Duplicate redirect_uri parameter.")),
}


@pytest.mark.parametrize("section", REQUESTS)
def test_an_authorization_request_is_answered_by_the_table(browser, webapp, spa, section):
    changes, expected = REQUESTS[section]
    assert answer(allow(browser, authorization(webapp, **changes))) == expected


STATES = {
    "4.1.2: none": (None, []),
    "4.1.2: an empty one is none (3.1)": ("", []),
    "4.1.2: with every kind of character": ("a b+c&d=e%20/é?#", [("state", "a b+c&d=e%20/é?#")]),
}


@pytest.mark.parametrize("section", STATES)
def test_the_state_is_returned_unchanged(browser, webapp, section):
    state, expected = STATES[section]
    response = allow(browser, authorization(webapp, state=state))
    assert answer(response) == redirected(("code", ANY), *expected, ("iss", ISSUER), status=303)
    response = browser.get("/oauth/authorize", authorization(webapp, state=state, scope="unknown"))
    error_parameters = UNKNOWN_SCOPE.headers["Location"][1]
    assert answer(response) == redirected(*error_parameters[:2], *expected, ("iss", ISSUER))


def test_the_client_gets_access_denied_if_the_user_refuses(browser, webapp):
    """The error is access_denied (RFC 6749 section 4.1.2.1)."""
    response = allow(browser, authorization(webapp), answer="false")
    assert answer(response) == sent_back("access_denied", "The user refused.", status=303)


def test_a_client_without_the_grant_type_gets_unauthorized_client(browser, apis):
    """A client that may only use client_credentials gets no code (RFC 6749 section 4.1.2.1)."""
    other = make_client("other", "client_credentials")
    response = browser.get("/oauth/authorize", authorization(other))
    assert answer(response) == redirected(("error", "unauthorized_client"), ("state", "s-1"), ("iss", ISSUER))


def test_a_request_by_post_is_answered_like_one_by_get(browser, webapp):
    """The issuer redirects a POST to a GET with the same declared parameters (RFC 6749 section 3.1)."""
    response = browser.post("/oauth/authorize", authorization(webapp) | {"more": "x"})
    sent = [(name, value) for name, value in authorization(webapp).items()]
    assert answer(response) == redirected(*sent, to="/oauth/authorize", status=303)
    assert answer(allow(browser, dict(answer(response).headers["Location"][1]))) == CODE


REGISTERED = {
    "3.1.2.3: several, one named": (CALLBACK, CODE),
    "3.1.2.3: several, none named": (None, page("Missing redirect URI.")),
    "3.1.2: its query stays": (
        "https://client.example/cb?tenant=a%26b",
        redirected(
            ("tenant", "a&b"),
            ("code", ANY),
            ("state", "s-1"),
            ("iss", ISSUER),
            to="https://client.example/cb",
            status=303,
        ),
    ),
    "3.1.2.4: without its query": ("https://client.example/cb", NOWHERE),
}

# A registered query, and what is left of it before our own parameters.
QUERIES = {
    "3.1.2: a name alone": ("flag", "flag&"),
    "3.1.2: a name and no value": ("flag=", "flag=&"),
    "3.1.2: nothing": ("", ""),
    "3.1.2: nothing between two": ("a=1&&b=2", "a=1&&b=2&"),
    "3.1.2: encoded as it likes": ("a=%7e+%20&b=/?:@", "a=%7e+%20&b=/?:@&"),
    "3.1.2: a code gives way": ("code=theirs&a=1", "a=1&"),
    "3.1.2: an encoded code gives way": ("c%6fde=theirs&a=1", "a=1&"),
    "3.1.2: a state gives way": ("a=1&state=theirs", "a=1&"),
    "3.1.2: an issuer gives way": ("iss=https://other.example&iss=x", ""),
    "3.1.2: an error stays beside a code": ("error=x", "error=x&"),
}


@pytest.mark.parametrize("section", QUERIES)
def test_the_query_of_a_registered_redirect_uri_is_retained(browser, webapp, section):
    registered, kept = QUERIES[section]
    Client.objects.update(redirect_uris=f"{CALLBACK}?{registered}")
    location = allow(browser, authorization(webapp, redirect_uri=f"{CALLBACK}?{registered}"))["Location"]
    assert location.startswith(f"{CALLBACK}?{kept}code=")
    assert location.endswith("&state=s-1&iss=http%3A%2F%2Flocalhost%3A8000")


def test_a_state_in_the_redirect_uri_is_retained_if_the_request_has_none(browser, webapp):
    """RFC 6749 section 3.1.2: a `state` in the registered redirect URI is retained if the request has none."""
    uri = f"{CALLBACK}?state=its-own"
    Client.objects.update(redirect_uris=uri)
    location = allow(browser, authorization(webapp, redirect_uri=uri, state=None))["Location"]
    assert location.startswith(f"{uri}&code=")


@pytest.mark.parametrize("section", REGISTERED)
def test_a_client_with_several_redirect_uris_must_send_one(browser, webapp, section):
    named, expected = REGISTERED[section]
    Client.objects.update(redirect_uris=f"{CALLBACK} https://client.example/cb?tenant=a%26b")
    assert answer(allow(browser, authorization(webapp, redirect_uri=named))) == expected
