"""RFC 9207: every authorization response names the issuer (2) exactly as the metadata does (2.4, 3)."""

from unittest.mock import ANY

import pytest

from tests.tokens.factories import CALLBACK, OTHER_API, allow, authorization, log_in
from tests.tokens.rfc import ISSUER, answer, page, redirected
from tokens.authorize.pkce import CHANGE_SETTING, MISSING
from tokens.authorize.redirect_uri import NOT_REGISTERED
from tokens.models import Client

pytestmark = pytest.mark.django_db

STATE, ISS = ("state", "s-1"), ("iss", ISSUER)


def error(code, description):
    return [("error", code), ("error_description", description), STATE, ISS]


# How the request differs, the user's answer, and all that the client is told.
ANSWERS = {
    "2: a code": ({}, "true", [("code", ANY), STATE, ISS]),
    "2: a code, without a state": ({"state": None}, "true", [("code", ANY), ISS]),
    "2: access_denied": ({}, "false", error("access_denied", "The user refused.")),
    "2: consent_required": ({"prompt": "none"}, "", error("consent_required", "The user has to give consent.")),
    "2: invalid_request": (
        {"code_challenge": None},
        "",
        error("invalid_request", f"{MISSING}{CHANGE_SETTING}"),
    ),
    "2: invalid_scope": (
        {"scope": "profile"},
        "",
        error("invalid_scope", "Scopes about the user, such as profile and email, come with openid."),
    ),
    "2: invalid_target": (
        {"resource": OTHER_API},
        "",
        error("invalid_target", "The resource is unknown, or this client may not use it."),
    ),
    "2: unsupported_response_type": (
        {"response_type": "token"},
        "",
        error("unsupported_response_type", "The response type is not supported; use code."),
    ),
    "2: request_not_supported": (
        {"request": "x"},
        "",
        error("request_not_supported", "The request parameter is not supported."),
    ),
    "2: login_required": ({"prompt": "none", "max_age": "0"}, "", error("login_required", "The user has to log in.")),
    "2: unmet_authentication_requirements": (
        {"acr_values": "urn:example:unknown"},
        "",
        error(
            "unmet_authentication_requirements", "No login at this issuer has a requested authentication context class."
        ),
    ),
    "2: request_uri_not_supported": (
        {"request_uri": "https://x.example"},
        "",
        error("request_uri_not_supported", "The request_uri parameter is not supported."),
    ),
    "2: invalid_request, a hint that is none": (
        {"id_token_hint": "x"},
        "",
        error("invalid_request", "The id_token_hint is not an ID token of this issuer."),
    ),
    "2: an iss that the request brings is not sent back": (
        {"iss": "https://x.example"},
        "true",
        [("code", ANY), STATE, ISS],
    ),
}


@pytest.mark.parametrize("section", ANSWERS)
def test_an_authorization_response_names_the_issuer(client, user, webapp, section):
    changes, decision, expected = ANSWERS[section]
    log_in(client, user)
    response = allow(client, authorization(webapp, **changes), answer=decision)
    assert answer(response) == redirected(*expected, status=303 if decision else 302)


def test_a_response_without_a_login_names_the_issuer(client, webapp):
    """The error response to prompt=none has `iss`, although no user is logged in (RFC 9207 section 2)."""
    response = client.get("/oauth/authorize", authorization(webapp, prompt="none"))
    assert answer(response) == redirected(*error("login_required", "The user has to log in."))


def test_a_response_to_a_client_without_the_grant_type_names_the_issuer(client, user, webapp):
    """The error response unauthorized_client has `iss` (RFC 9207 section 2)."""
    Client.objects.update(grants=["client_credentials"])
    log_in(client, user)
    response = client.get("/oauth/authorize", authorization(webapp))
    assert answer(response) == redirected(("error", "unauthorized_client"), STATE, ISS)


def test_an_error_page_names_no_issuer(client, user, webapp):
    """RFC 9207 section 2: only a response that is sent to a client has `iss`."""
    log_in(client, user)
    response = client.get("/oauth/authorize", authorization(webapp, redirect_uri=f"{CALLBACK}/x"))
    assert answer(response) == page(NOT_REGISTERED)


ISSUERS = {
    "2.4: without a path": "https://issuer.example",
    "2.4: with a slash": "https://issuer.example/",
    "2.4: with a path": "https://issuer.example/one",
}


@pytest.mark.parametrize("section", ISSUERS)
def test_iss_is_character_by_character_the_issuer_of_the_metadata(client, user, webapp, settings, section):
    issuer = ISSUERS[section]
    settings.ISSUER = settings.ISSUER | {"URL": issuer}
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == issuer
    assert metadata["authorization_response_iss_parameter_supported"] is True, "section 3"
    log_in(client, user)
    response = allow(client, authorization(webapp))
    assert answer(response) == redirected(("code", ANY), STATE, ("iss", issuer), status=303)


def test_a_response_has_one_iss_even_if_the_redirect_uri_has_one(client, user, webapp):
    """RFC 9207 section 2.4: a client refuses a response with two `iss`."""
    uri = f"{CALLBACK}?iss=https%3A%2F%2Fother.example&more=1"
    Client.objects.update(redirect_uris=uri)
    log_in(client, user)
    response = allow(client, authorization(webapp, redirect_uri=uri))
    assert answer(response) == redirected(("more", "1"), ("code", ANY), STATE, ISS, status=303)
