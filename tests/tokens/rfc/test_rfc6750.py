"""RFC 6750 at userinfo: how a bearer token is sent (2), and the challenge of a refusal (3, 3.1)."""

import uuid
from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from tests.tokens.factories import API, basic, post, redeem
from tests.tokens.proofs import OFFER
from tests.tokens.rfc import JSON, Answer, answer, claims_of, refusal, signed_again
from tokens.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

PATH = "/oauth/userinfo"
ALLOWED = {"Allow": "GET, POST"}


def challenged(error, description, *, status):
    """Return the expected refusal, whose challenge and body have the same error (RFC 6750 section 3.1)."""
    challenge = f'Bearer realm="userinfo", error="{error}", error_description="{description}", {OFFER}'
    return refusal(error, description, status=status, headers={"WWW-Authenticate": challenge})


INVALID = challenged("invalid_token", "The access token is not valid here.", status=401)
LACKS_OPENID = challenged("insufficient_scope", "The token lacks the scope openid.", status=403)


@pytest.fixture
def token(client, webapp, code):
    return redeem(client, webapp, code(webapp, scope="openid")).json()["access_token"]


@pytest.fixture
def claims_answer(user):
    return Answer(200, JSON, {"sub": str(user.sub)})


def bearer(token, scheme="Bearer"):
    return {"HTTP_AUTHORIZATION": f"{scheme} {token}"}


READ = {
    "2.1: in the Authorization header": lambda browser, token: browser.get(PATH, **bearer(token)),
    "2.1: the scheme in any case": lambda browser, token: browser.get(PATH, **bearer(token, "bEARER")),
    "2.1: with POST": lambda browser, token: browser.post(PATH, **bearer(token)),
}


@pytest.mark.parametrize("section", READ)
def test_a_token_is_read_where_the_rfc_permits_it(client, token, claims_answer, section):
    assert answer(READ[section](client, token)) == claims_answer


# Section 3: without a token that is looked at, the answer names the scheme and no error.
UNREAD = {
    "2.1: under another scheme": lambda browser, token: browser.get(PATH, **bearer(token, "Token")),
    "2.1: without the space": lambda browser, token: browser.get(PATH, HTTP_AUTHORIZATION=f"Bearer{token}"),
    "2.1: Basic": lambda browser, token: browser.get(PATH, **basic("ada", token)),
    "3: nowhere": lambda browser, token: browser.get(PATH),
}


@pytest.mark.parametrize("section", UNREAD)
def test_a_token_elsewhere_is_ignored(client, token, section):
    headers = JSON | {
        "Content-Type": "text/html; charset=utf-8",
        "WWW-Authenticate": f'Bearer realm="userinfo", {OFFER}',
    }
    assert answer(UNREAD[section](client, token)) == Answer(401, headers, "")


# Section 3.1, invalid_request: another way than the header's, or two at once.
ELSEWHERE = {
    "2.2: in a form": lambda browser, token: post(browser, PATH, {"access_token": token}),
    "2.3: in the address": lambda browser, token: browser.get(PATH, {"access_token": token}),
    "3.1: in a form, too": lambda browser, token: post(browser, PATH, {"access_token": token}, **bearer(token)),
    "3.1: in the address, too": lambda browser, token: browser.get(PATH, {"access_token": token}, **bearer(token)),
}


@pytest.mark.parametrize("section", ELSEWHERE)
def test_a_token_elsewhere_is_refused(client, token, section):
    expected = challenged("invalid_request", "Send the token in the Authorization header only.", status=400)
    assert answer(ELSEWHERE[section](client, token)) == expected


CHANGES = {
    "3.1 invalid_token: none after the scheme": (lambda token, signer: "", INVALID),
    "3.1 invalid_token: malformed": (lambda token, signer: "x", INVALID),
    "3.1 invalid_token: two": (lambda token, signer: f"{token} {token}", INVALID),
    "3.1 invalid_token: a forged signature": (lambda token, signer: token[:-8] + "AAAAAAAA", INVALID),
    "3.1 invalid_token: unsigned": (
        lambda token, signer: jwt.encode(claims_of(token), None, algorithm="none", headers={"typ": "at+jwt"}),
        INVALID,
    ),
    "3.1 invalid_token: expired": (
        lambda token, signer: signed_again(token, signer, exp=claims_of(token)["iat"] - 1),
        INVALID,
    ),
    "3.1 invalid_token: not yet expired": (lambda token, signer: signed_again(token, signer, exp=soon()), None),
    "3.1: for an API, with a grant that has openid": (lambda token, signer: signed_again(token, signer, aud=API), None),
    "3.1 invalid_token: for an API, without a grant": (
        lambda token, signer: signed_again(token, signer, aud=API, grant_id=None),
        INVALID,
    ),
    "3.1 invalid_token: of another issuer": (
        lambda token, signer: signed_again(token, signer, iss="https://x.example"),
        INVALID,
    ),
    "3.1 invalid_token: of nobody": (
        lambda token, signer: signed_again(token, signer, sub=str(uuid.UUID(int=0))),
        INVALID,
    ),
    "3.1 invalid_token: an ID token": (lambda token, signer: signed_again(token, signer, typ="JWT"), INVALID),
    "3.1 insufficient_scope: another scope": (
        lambda token, signer: signed_again(token, signer, scope="email"),
        LACKS_OPENID,
    ),
    "3.1 insufficient_scope: part of a word": (
        lambda token, signer: signed_again(token, signer, scope="openid2"),
        LACKS_OPENID,
    ),
}


def soon():
    return int((timezone.now() + timedelta(seconds=30)).timestamp())


@pytest.mark.parametrize("section", CHANGES)
def test_userinfo_refuses_a_token_that_is_not_valid_for_it(client, token, signer, claims_answer, section):
    change, expected = CHANGES[section]
    assert answer(client.get(PATH, **bearer(change(token, signer)))) == (expected or claims_answer)


def test_userinfo_refuses_a_revoked_token(client, token, webapp, claims_answer):
    """The error for a revoked token is invalid_token (RFC 6750 section 3.1)."""
    assert answer(client.get(PATH, **bearer(token))) == claims_answer
    post(client, "/oauth/revoke", {"token": token}, **basic("webapp", webapp.plain))
    assert answer(client.get(PATH, **bearer(token))) == INVALID


def test_userinfo_refuses_a_token_of_a_disabled_user(client, token, claims_answer):
    """The error for a token of a disabled user is invalid_token (RFC 6750 section 3.1)."""
    assert answer(client.get(PATH, **bearer(token))) == claims_answer
    User.objects.update(is_active=False)
    assert answer(client.get(PATH, **bearer(token))) == INVALID


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_userinfo_refuses_other_methods(client, token, method):
    expected = refusal("invalid_request", "Use GET, POST.", status=405, headers=ALLOWED)
    assert answer(getattr(client, method)(PATH, **bearer(token))) == expected
