"""Holes 4, 5 and 15: what a request decides that is the user's or the issuer's to decide, and who frames the page."""

import jwt
import pytest

from tests.tokens.conftest import allow, authorization, log_in, parameters, redeem
from tests.tokens.oauth.holes import toolkit

pytestmark = pytest.mark.django_db


# 4: the request decides whether the user is asked


def test_4_plain_a_parameter_skips_the_consent_page(plain, webapp, user):
    toolkit.access_token(webapp, user, "t")
    query = authorization(webapp, scope="notes:read")
    assert toolkit.page(user, query).status_code == 200, "the issuer wants the user to be asked"
    assert "code=" in toolkit.page(user, query | {"approval_prompt": "auto"})["Location"]


def test_4_here_the_user_is_asked_again(client, webapp, user, signer):
    log_in(client, user)
    query = authorization(webapp)
    assert redeem(client, webapp, parameters(allow(client, query))["code"]).status_code == 200
    assert client.get("/oauth/authorize", query).status_code == 302, "the user agreed, and that is remembered"
    type(webapp).objects.update(remembers_consent=False)
    for asked in (query, query | {"approval_prompt": "auto"}):
        assert client.get("/oauth/authorize", asked).status_code == 200


# 5: a nonce posted to the token endpoint lands in the ID token


def nonce(answer):
    return jwt.decode(answer["id_token"], options={"verify_signature": False}).get("nonce")


def test_5_plain_the_token_request_names_the_nonce(plain, spa, user):
    toolkit.grant(spa, user)
    assert nonce(toolkit.body(toolkit.exchange(spa, nonce="injected"))) == "injected"


@pytest.mark.parametrize("asked", [None, "n-1"], ids=["without one", "with one"])
def test_5_here_the_nonce_is_that_of_the_authorization_request(client, webapp, code, signer, asked):
    answer = redeem(client, webapp, code(webapp, nonce=asked), nonce="injected")
    assert nonce(answer.json()) == asked


# 15: a consent page that any site may frame


def test_15_plain_the_consent_page_says_nothing_of_frames(plain, webapp, user):
    page = toolkit.page(user, authorization(webapp, scope="notes:read"))
    assert page.status_code == 200
    assert not {"X-Frame-Options", "Content-Security-Policy"} & set(page.headers)


def test_15_here_it_forbids_them_itself(client, webapp, user, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "XFrameOptions" not in name]
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(webapp))
    assert page.status_code == 200
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
