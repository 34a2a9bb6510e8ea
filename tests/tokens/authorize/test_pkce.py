"""The PKCE rules that a client can have.

The tests are about what a request needs under each rule, and how a code without a challenge is redeemed.
"""

import pytest

from tests.tokens.factories import (
    CALLBACK,
    CHALLENGE,
    VERIFIER,
    allow,
    authorization,
    log_in,
    make_client,
    parameters,
    redeem,
)
from tokens.authorize.pkce import CHANGE_SETTING, MISSING, NO_NONCE
from tokens.models import AuthorizationCode, Client, PkceRule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

WITHOUT = {"code_challenge": None, "code_challenge_method": None}
NO_METHOD = "The code_challenge_method is not supported; use S256."
NO_CHALLENGE = "The code_challenge_method comes with a code_challenge."
NO_HASH = "The code challenge is not the base64url of a SHA-256."


@pytest.fixture
def browser(client, user):
    log_in(client, user)
    return client


def ruled(client, rule):
    Client.objects.filter(pk=client.pk).update(pkce=rule)
    client.refresh_from_db()
    return client


# By rule: how the request differs, and its error; None for a code.
REQUESTS = [
    (None, {}, None),
    (None, WITHOUT, f"{MISSING}{CHANGE_SETTING}"),
    (None, {"code_challenge": ""}, f"{MISSING}{CHANGE_SETTING}"),
    ("nonce", {}, None),
    ("nonce", WITHOUT, None),
    ("nonce", {"nonce": None}, None),
    ("nonce", WITHOUT | {"nonce": None}, NO_NONCE),
    ("nonce", WITHOUT | {"nonce": ""}, NO_NONCE),
    ("nonce", WITHOUT | {"scope": "notes:read"}, NO_NONCE),
    ("nonce", WITHOUT | {"scope": "notes:read openid"}, None),
    ("nonce", {"code_challenge": None}, NO_CHALLENGE),
    ("nonce", {"code_challenge_method": "plain"}, NO_METHOD),
    ("nonce", {"code_challenge_method": None}, NO_METHOD),
    ("nonce", {"code_challenge": "short"}, NO_HASH),
    ("optional", {}, None),
    ("optional", WITHOUT, None),
    ("optional", WITHOUT | {"nonce": None, "scope": "notes:read"}, None),
    ("optional", {"code_challenge": None}, NO_CHALLENGE),
    ("optional", {"code_challenge_method": "plain"}, NO_METHOD),
    ("optional", {"code_challenge": "short"}, NO_HASH),
    ("lax", WITHOUT, f"{MISSING}{CHANGE_SETTING}"),
    ("", WITHOUT, f"{MISSING}{CHANGE_SETTING}"),
]


@pytest.mark.parametrize(("rule", "changes", "error"), REQUESTS)
def test_a_request_is_answered_by_the_rule_of_its_client(browser, webapp, rule, changes, error):
    answer = parameters(allow(browser, authorization(ruled(webapp, rule), **changes)))
    assert (answer.get("error_description"), "code" in answer) == (error, error is None)
    assert AuthorizationCode.objects.count() == (error is None)


@pytest.mark.parametrize("rule", ["nonce", "optional"])
def test_a_public_client_always_needs_pkce_also_if_its_row_says_otherwise(browser, spa, rule):
    """A public client has no secret, so its codes always need PKCE (RFC 9700 section 2.1.1)."""
    assert ruled(spa, rule).pkce_rule == PkceRule.REQUIRED
    assert parameters(allow(browser, authorization(spa, **WITHOUT)))["error_description"] == MISSING


@pytest.mark.parametrize("changes", [{}, WITHOUT | {"nonce": None}], ids=["no challenge", "neither"])
@pytest.mark.parametrize("rule", [None, "nonce"])
def test_a_visitor_reads_before_any_login_that_pkce_is_missing(client, webapp, rule, changes):
    page = client.get("/oauth/authorize", authorization(ruled(webapp, rule), **{"code_challenge": None} | changes))
    assert page.status_code == 400
    assert "code_challenge" in page.context["error"]


def issued(browser, client, **changes):
    return parameters(allow(browser, authorization(client, **changes)))["code"]


@pytest.mark.parametrize("rule", ["nonce", "optional"])
def test_a_code_without_a_challenge_is_redeemed_without_a_verifier_only(browser, webapp, rule):
    """If the authorization request had no challenge, a verifier in the token request is refused.

    This prevents a PKCE downgrade attack, in which an attacker removes the challenge from the authorization request of
    a client that uses PKCE (RFC 9700 section 4.8.2).
    """
    code = issued(browser, ruled(webapp, rule), **WITHOUT)
    refused = redeem(browser, webapp, code, code_verifier=VERIFIER).json()
    assert refused == {
        "error": "invalid_grant",
        "error_description": "The authorization request had no code challenge for this code verifier.",
    }
    assert redeem(browser, webapp, code, code_verifier=None).status_code == 200, "the attempt did not use up the code"


@pytest.mark.parametrize("rule", ["nonce", "optional"])
@pytest.mark.parametrize("verifier", [None, "", "x" * 43, CHALLENGE])
def test_a_challenge_that_was_sent_is_enforced_under_every_rule(browser, webapp, rule, verifier):
    code = issued(browser, ruled(webapp, rule))
    assert redeem(browser, webapp, code, code_verifier=verifier).status_code == 400
    assert redeem(browser, webapp, code).status_code == 200


@pytest.mark.parametrize("change", [{"pkce": None}, {"client_type": "public", "token_endpoint_auth_method": "none"}])
def test_a_code_without_a_challenge_ends_with_the_rule_that_permitted_it(browser, webapp, change):
    code = issued(browser, ruled(webapp, "optional"), **WITHOUT)
    Client.objects.filter(pk=webapp.pk).update(**change)
    secret = {"client_secret": None} if "client_type" in change else {}
    answer = redeem(browser, webapp, code, code_verifier=None, **secret)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(("changes", "status"), [({"nonce": None}, 400), ({"nonce": "n"}, 200), ({}, 400)])
def test_a_code_without_challenge_and_nonce_ends_when_the_rule_becomes_nonce(browser, webapp, changes, status):
    scope = "openid notes:read" if changes else "notes:read"
    code = issued(browser, ruled(webapp, "optional"), **WITHOUT | {"scope": scope, "nonce": "n"} | changes)
    Client.objects.filter(pk=webapp.pk).update(pkce="nonce")
    assert redeem(browser, webapp, code, code_verifier=None).status_code == status


def test_the_nonce_of_an_injected_code_is_that_of_the_attackers_request(browser, webapp, decode):
    """The ID token for an injected code has the nonce of the attacker's authorization request.

    So the client, which compares it with the nonce of its own session, detects the attack (RFC 9700 section 4.5.3.2).
    """
    stolen = issued(browser, ruled(webapp, "nonce"), **WITHOUT, nonce="of-the-attacker")
    body = redeem(browser, webapp, stolen, code_verifier=None, nonce="of-the-user").json()
    assert decode(body["id_token"], "webapp")[1]["nonce"] == "of-the-attacker"


def test_each_code_has_the_nonce_of_its_own_request(browser, webapp, decode):
    codes = {nonce: issued(browser, ruled(webapp, "nonce"), **WITHOUT, nonce=nonce) for nonce in ("n-1", "n-2")}
    for nonce in ("n-2", "n-1"):
        body = redeem(browser, webapp, codes[nonce], code_verifier=None).json()
        assert decode(body["id_token"], "webapp")[1]["nonce"] == nonce


def test_another_client_of_the_issuer_is_not_affected(browser, webapp, apis):
    ruled(webapp, "optional")
    other = make_client("other", "authorization_code")
    assert CALLBACK in other.redirect_uris
    assert parameters(allow(browser, authorization(other, **WITHOUT)))["error"] == "invalid_request"
