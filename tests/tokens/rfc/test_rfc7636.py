"""RFC 7636: the challenge in the authorization request (4.2 to 4.4), and the verifier for it (4.1, 4.5, 4.6)."""

import base64
import hashlib
from unittest.mock import ANY

import pytest

from tests.tokens.factories import CHALLENGE, VERIFIER, allow, authorization, log_in, parameters, post, redeem
from tests.tokens.rfc import ISSUER, answer, granted, redirected, redirected_invalid_request, refusal, repeated
from tokens.models import AuthorizationCode, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

CODE = redirected(("code", ANY), ("state", "s-1"), ("iss", ISSUER), status=303)


NONE = redirected_invalid_request("PKCE is required: send code_challenge with code_challenge_method=S256.")
NO_METHOD = redirected_invalid_request("The code_challenge_method is not supported; use S256.")
NO_HASH = redirected_invalid_request("The code challenge is not the base64url of a SHA-256.")

CHALLENGES = {
    "4.3: S256": ({}, CODE),
    "4.3: plain": ({"code_challenge_method": "plain"}, NO_METHOD),
    "4.3: plain by default": ({"code_challenge_method": None}, NO_METHOD),
    "4.3: lower case": ({"code_challenge_method": "s256"}, NO_METHOD),
    "4.3: an unknown one": ({"code_challenge_method": "S512"}, NO_METHOD),
    "4.3: two methods": (
        {"code_challenge_method": ["S256", "plain"]},
        redirected_invalid_request("The code_challenge_method parameter occurs more than once."),
    ),
    "4.4.1: no challenge": ({"code_challenge": None}, NONE),
    "4.4.1: an empty challenge": ({"code_challenge": ""}, NONE),
    "4.4.1: neither challenge nor method": ({"code_challenge": None, "code_challenge_method": None}, NONE),
    "4.2: any SHA-256": ({"code_challenge": "A" * 43}, CODE),
    "4.2: too short for one": ({"code_challenge": CHALLENGE[:-1]}, NO_HASH),
    "4.2: too long for one": ({"code_challenge": f"{CHALLENGE}A"}, NO_HASH),
    "4.2: padded": ({"code_challenge": f"{CHALLENGE}="}, NO_HASH),
    "4.2: base64, and not base64url": ({"code_challenge": CHALLENGE[:-1] + "+"}, NO_HASH),
    "4.3: two challenges": (
        {"code_challenge": [CHALLENGE, CHALLENGE]},
        redirected_invalid_request("The code_challenge parameter occurs more than once."),
    ),
}


@pytest.mark.parametrize("section", CHALLENGES)
def test_a_code_challenge_is_answered_by_the_table(client, user, spa, section):
    changes, expected = CHALLENGES[section]
    log_in(client, user)
    assert answer(allow(client, authorization(spa, **changes))) == expected


TOKENS = granted("openid notes:read", id_token=ANY)
WRONG = refusal("invalid_grant", "The code verifier does not match the code challenge.")
NONE = refusal("invalid_grant", "Missing code_verifier parameter.")

VERIFIERS = {
    "4.6: the one whose hash the challenge is": ({}, TOKENS),
    "4.5: none": ({"code_verifier": None}, NONE),
    "4.5: an empty one": ({"code_verifier": ""}, NONE),
    "4.5: two": ({"code_verifier": [VERIFIER, VERIFIER]}, repeated("code_verifier")),
    "4.6: another one": ({"code_verifier": "x" * 43}, WRONG),
    "4.6: another case": ({"code_verifier": VERIFIER.swapcase()}, WRONG),
    "4.6: the challenge itself": ({"code_verifier": CHALLENGE}, WRONG),
    "4.1: one character less": ({"code_verifier": VERIFIER[:-1]}, WRONG),
    "4.1: one character more": ({"code_verifier": f"{VERIFIER}A"}, WRONG),
    "4.1: a character that none has": ({"code_verifier": f"{VERIFIER[:-1]}é"}, WRONG),
}


@pytest.mark.parametrize("section", VERIFIERS)
def test_a_code_verifier_is_answered_by_the_table(client, spa, code, section):
    changes, expected = VERIFIERS[section]
    assert answer(redeem(client, spa, code(spa), **changes)) == expected


LENGTHS = {"4.1: 43 characters": "a" * 43, "4.1: 128 characters": "~._-" * 32}


NO_VERIFIERS = {
    "4.1: 42 characters": "a" * 42,
    "4.1: 129 characters": "a" * 129,
    "4.1: a space": " " * 43,
    "4.1: a character of base64": "+" * 43,
}


@pytest.mark.parametrize("section", NO_VERIFIERS)
def test_a_malformed_verifier_is_refused_although_its_hash_matches(client, spa, code, section):
    verifier = NO_VERIFIERS[section]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert answer(redeem(client, spa, code(spa, code_challenge=challenge), code_verifier=verifier)) == WRONG


@pytest.mark.parametrize("section", LENGTHS)
def test_the_shortest_and_the_longest_verifier_are_accepted(client, spa, code, section):
    verifier = LENGTHS[section]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    issued = code(spa, code_challenge=challenge)
    assert answer(redeem(client, spa, issued, code_verifier=verifier[:-1] + "b")) == WRONG
    assert answer(redeem(client, spa, issued, code_verifier=verifier)) == TOKENS


def test_a_code_is_bound_to_the_challenge_of_its_request(client, spa, code):
    """RFC 7636 section 4.4: a verifier redeems only the code of its own request."""
    other_code = code(spa, code_challenge="A" * 43)
    assert answer(redeem(client, spa, other_code)) == WRONG
    assert answer(redeem(client, spa, code(spa))) == TOKENS


def test_a_wrong_verifier_does_not_use_up_the_code(client, spa, code):
    """RFC 7636 section 4.6: an attacker who intercepted a code cannot use it up."""
    issued = code(spa)
    assert answer(redeem(client, spa, issued, code_verifier="x" * 43)) == WRONG
    assert UserGrant.objects.get().revoked_at is None
    assert AuthorizationCode.objects.get().redeemed_at is None
    assert answer(redeem(client, spa, issued)) == TOKENS


def test_the_challenge_is_read_from_the_query_and_not_from_the_consent_form(client, user, spa):
    """The challenge of the authorization request is bound to the code (RFC 7636 section 4.4).

    A challenge in the consent form has no effect.
    """
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(spa))
    form = {"shown": page.context["form"].initial["shown"], "allow": "true", "code_challenge": "A" * 43}
    response = post(client, f"/oauth/authorize?{page.request['QUERY_STRING']}", form)
    assert answer(redeem(client, spa, parameters(response)["code"])) == TOKENS
