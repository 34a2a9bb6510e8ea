"""RFC 7523: a JWT that authenticates a client (2.2), a JWT that is a grant (2.1), and the requirements of both (3)."""

import base64
import json

import jwt
import pytest
from django.utils import timezone

from tests.tokens.assertions import TYPE, jwks, proof, sign
from tests.tokens.factories import API, basic, make_client, post
from tests.tokens.rfc import (
    INVALID_BASIC,
    INVALID_CLIENT,
    ISSUER,
    NOT_ITS_GRANT,
    answer,
    granted,
    missing,
    refusal,
    repeated,
    without_blanks,
)
from tokens.models import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANT_TYPE = {"typ": "authorization-grant+jwt"}
ENDPOINT = f"{ISSUER}/oauth/token"
INVALID_GRANT = refusal("invalid_grant", "The assertion is not valid.")
ANOTHER = refusal("invalid_grant", "The assertion is another client's.")
TOGETHER = refusal("invalid_request", "client_assertion and client_assertion_type come together.")
IN_ONE_WAY = refusal("invalid_request", "Authenticate the client in one way: by its key or by a secret.")
TWO_CLIENTS = refusal("invalid_request", "The assertion and the body name different clients.")


@pytest.fixture
def robot(apis):
    made = make_client("robot", GRANT, "client_credentials", client_jwks=jwks("ES256", "RS256", "EdDSA"))
    Client.objects.filter(pk=made.pk).update(token_endpoint_auth_method="private_key_jwt")
    return made


def at(seconds):
    return int(timezone.now().timestamp()) + seconds


def unsigned(text):
    claims = jwt.decode(text, options={"verify_signature": False})
    return jwt.encode(claims, None, algorithm="none", headers=jwt.get_unverified_header(text) | {"alg": "none"})


def by_public_key(text):
    """Return an assertion with an HS256 MAC. Its secret consists of the client's public keys."""
    claims = jwt.decode(text, options={"verify_signature": False})
    headers = jwt.get_unverified_header(text) | {"alg": "HS256"}
    return jwt.encode(claims, json.dumps(jwks()) * 2, algorithm="HS256", headers=headers)


def other_signature(text):
    message, _, signature = text.rpartition(".")
    octets = base64.urlsafe_b64decode(signature + "==")
    return f"{message}.{base64.urlsafe_b64encode(octets[::-1]).rstrip(b'=').decode()}"


# What both kinds of assertion have to be: changes of a good one, made when the test runs, and whether it stays good.
ASSERTIONS = {
    "3: as it should be": (dict, True),
    "3 (1): no iss": (lambda: {"iss": None}, False),
    "3 (1): an unknown iss": (lambda: {"iss": "nobody"}, False),
    "3 (2): no sub": (lambda: {"sub": None}, False),
    "3 (3): no aud": (lambda: {"aud": None}, False),
    "3 (3): the issuer, in a list": (lambda: {"aud": [ISSUER]}, True),
    "3 (3): the issuer, and another": (lambda: {"aud": [ISSUER, API]}, False),
    "3 (3): someone else": (lambda: {"aud": API}, False),
    "3 (3): nearly the issuer": (lambda: {"aud": f"{ISSUER}/"}, False),
    "3 (3): the token endpoint": (lambda: {"aud": ENDPOINT}, False),
    "3 (4): no exp": (lambda: {"exp": None}, False),
    "3 (4): expired": (lambda: {"exp": at(-61)}, False),
    "3 (4): expired within a clock's error": (lambda: {"exp": at(-30)}, True),
    "3 (4): an hour ahead": (lambda: {"exp": at(3600)}, True),
    "3 (4): an hour ahead of a client's fast clock": (lambda: {"exp": at(3650)}, True),
    "3 (4): unreasonably far ahead": (lambda: {"exp": at(3900)}, False),
    "3 (4): a text": (lambda: {"exp": "9999999999"}, False),
    "3 (5): valid since a minute": (lambda: {"nbf": at(-60)}, True),
    "3 (5): not yet valid": (lambda: {"nbf": at(300)}, False),
    "3 (6): without iat": (lambda: {"iat": None}, True),
    "3 (6): made in the future": (lambda: {"iat": at(300)}, False),
    "3 (7): no jti": (lambda: {"jti": None}, False),
    "3 (8): other claims": (lambda: {"more": ["x"]}, True),
    "3 (9): RS256": (lambda: {"algorithm": "RS256"}, True),
    "3 (9): EdDSA": (lambda: {"algorithm": "EdDSA"}, True),
    "3 (9): a registered key by another algorithm": (lambda: {"algorithm": "RS512"}, False),
    "3 (9): another key": (lambda: {"name": "stranger"}, False),
    "3 (9): another key under a registered kid": (
        lambda: {"name": "stranger", "header": {"kid": "EC-own"}},
        False,
    ),
}


LEGACY_AUDIENCE = refusal(
    "invalid_client",
    "The aud of the assertion is the URL of an endpoint. Send the URL of the issuer, or register the client with"
    " --legacy-audience (admin: legacy audience).",
    status=401,
)


def kept(changes, **header):
    return changes | {"header": header | changes.get("header", {})}


@pytest.mark.parametrize("section", ASSERTIONS)
def test_a_client_authenticates_by_an_assertion(client, robot, section):
    """RFC 7523 sections 2.2 and 3.2: every invalid assertion is refused with the error invalid_client."""
    changes, good = ASSERTIONS[section]
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof("robot", **changes())
    refused = LEGACY_AUDIENCE if changes().get("aud") == ENDPOINT else INVALID_CLIENT
    assert answer(post(client, "/oauth/token", form)) == (granted() if good else refused)


@pytest.mark.parametrize("section", ASSERTIONS)
def test_an_assertion_is_a_grant(client, robot, user, section):
    """RFC 7523 sections 2.1 and 3.1: every invalid assertion is refused with the error invalid_grant."""
    changes, good = ASSERTIONS[section]
    assertion = sign("robot", **kept({"sub": str(user.sub)} | changes(), **GRANT_TYPE))
    form = {"grant_type": GRANT, "scope": "notes:read", "assertion": assertion}
    assert answer(post(client, "/oauth/token", form)) == (granted() if good else INVALID_GRANT)


FORGERIES = {
    "3 (9): its signature changed": other_signature,
    "3 (9): no signature": lambda text: text.rpartition(".")[0] + ".",
    "3 (9): unsigned": unsigned,
    "3 (9): a MAC": by_public_key,
    "3 (10): no JWT": lambda text: "x.y.z",
}


@pytest.mark.parametrize("section", FORGERIES)
def test_a_forged_assertion_is_refused(client, robot, user, section):
    forge = FORGERIES[section]
    form = {"scope": "notes:read", "client_assertion_type": TYPE, "client_assertion": forge(sign("robot"))}
    assert answer(post(client, "/oauth/token", {"grant_type": "client_credentials"} | form)) == INVALID_CLIENT
    assertion = forge(sign("robot", sub=str(user.sub), header=GRANT_TYPE))
    form = {"scope": "notes:read", "grant_type": GRANT, "assertion": assertion}
    assert answer(post(client, "/oauth/token", form)) == INVALID_GRANT


AUTHENTICATION = {
    "2.2: without client_id": ({}, granted()),
    "2.2: with the same client_id": ({"client_id": "robot"}, granted()),
    "2.2: with another client_id": ({"client_id": "service"}, TWO_CLIENTS),
    "2.2: no assertion": ({"client_assertion": None}, TOGETHER),
    "2.2: no assertion type": ({"client_assertion_type": None}, TOGETHER),
    "2.2: another assertion type": (
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        INVALID_CLIENT,
    ),
    "2.2: two assertions": ({"client_assertion": ["x", "y"]}, repeated("client_assertion")),
    "2.2: and a secret": ({"client_secret": "x"}, IN_ONE_WAY),
}


@pytest.mark.parametrize("section", AUTHENTICATION)
def test_the_form_of_a_client_authentication_by_assertion_is_checked(client, robot, service, section):
    changes, expected = AUTHENTICATION[section]
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof("robot") | changes
    assert answer(post(client, "/oauth/token", without_blanks(form))) == expected


ABOUT = {
    "3 (2.B): the client itself": ({}, granted()),
    "3 (2.B): another client": ({"sub": "service"}, INVALID_CLIENT),
    "3: the kind of assertion that is a grant": ({"header": GRANT_TYPE}, INVALID_CLIENT),
    "3: named as what it is": ({"header": {"typ": "client-authentication+jwt"}}, granted()),
    "3: an access token": ({"header": {"typ": "at+jwt"}}, INVALID_CLIENT),
}


@pytest.mark.parametrize("section", ABOUT)
def test_sub_must_be_the_client_in_an_assertion_that_authenticates_it(client, robot, service, section):
    changes, expected = ABOUT[section]
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof("robot", **changes)
    assert answer(post(client, "/oauth/token", form)) == expected


GRANTS = {
    "2.1: the assertion and scopes": ({}, granted()),
    "2.1: no assertion": ({"assertion": None}, missing("assertion")),
    "2.1: two assertions": ({"assertion": ["x", "y"]}, repeated("assertion")),
    "2.1: the client's name besides": ({"client_id": "robot"}, granted()),
    "2.1: another client's name besides": ({"client_id": "service"}, ANOTHER),
    "2.1: no scope: those of the client": ({"scope": None}, granted("notes:read notes:write")),
}


@pytest.mark.parametrize("section", GRANTS)
def test_the_form_of_a_token_request_with_an_assertion_is_checked(client, robot, user, section):
    changes, expected = GRANTS[section]
    assertion = sign("robot", sub=str(user.sub), header=GRANT_TYPE)
    form = {"grant_type": GRANT, "scope": "notes:read", "assertion": assertion} | changes
    assert answer(post(client, "/oauth/token", without_blanks(form))) == expected


def test_an_assertion_is_accepted_once(client, robot, user):
    """RFC 7523 section 3, item 7: an assertion with a `jti` that was used before is refused."""
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof("robot")
    assert answer(post(client, "/oauth/token", form)) == granted()
    assert answer(post(client, "/oauth/token", form)) == INVALID_CLIENT
    assertion = sign("robot", sub=str(user.sub), header=GRANT_TYPE)
    form = {"grant_type": GRANT, "scope": "notes:read", "assertion": assertion}
    assert answer(post(client, "/oauth/token", form)) == granted()
    assert answer(post(client, "/oauth/token", form)) == INVALID_GRANT


def test_the_authentication_of_another_client_beside_the_grant_is_refused(client, robot, service, user):
    """Client authentication is optional (RFC 7523 section 2.1). If the request has it, it must be valid."""
    for secret, expected in ((service.plain, ANOTHER), ("x", INVALID_BASIC)):
        assertion = sign("robot", sub=str(user.sub), header=GRANT_TYPE)
        form = {"grant_type": GRANT, "scope": "notes:read", "assertion": assertion}
        assert answer(post(client, "/oauth/token", form, **basic("service", secret))) == expected


def test_a_client_without_the_grant_type_gets_unauthorized_client(client, robot, user):
    """The JWT bearer grant is refused for a client that may only use client_credentials (RFC 6749 section 5.2)."""
    Client.objects.filter(pk=robot.pk).update(grants=["client_credentials"])
    assertion = sign("robot", sub=str(user.sub), header=GRANT_TYPE)
    form = {"grant_type": GRANT, "scope": "notes:read", "assertion": assertion}
    assert answer(post(client, "/oauth/token", form)) == NOT_ITS_GRANT


def test_the_token_endpoint_is_an_audience_only_for_a_client_with_the_option(client, robot):
    """The token endpoint is an accepted audience only if the client's `accepts_token_endpoint_audience` is True.

    RFC 7523 section 3, item 3, permits this audience. An address of another endpoint is refused.
    """
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    Client.objects.filter(pk=robot.pk).update(accepts_token_endpoint_audience=True)
    assert answer(post(client, "/oauth/token", form | proof("robot", aud=ENDPOINT))) == granted()
    assert answer(post(client, "/oauth/token", form | proof("robot", aud=f"{ISSUER}/oauth/revoke"))) == INVALID_CLIENT
