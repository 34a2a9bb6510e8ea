"""No request parameter skips the user's consent, or sets the nonce of the ID token at the token endpoint.

The consent page cannot be framed (RFC 9700 section 4.16).
"""

import jwt
import pytest

from tests.tokens.factories import allow, authorization, log_in, parameters, redeem

pytestmark = pytest.mark.django_db


# consent


def test_no_request_parameter_skips_consent(client, webapp, user, signer):
    log_in(client, user)
    query = authorization(webapp)
    assert redeem(client, webapp, parameters(allow(client, query))["code"]).status_code == 200
    assert client.get("/oauth/authorize", query).status_code == 302, "the user agreed, and that is remembered"
    type(webapp).objects.update(remembers_consent=False)
    for request in (query, query | {"approval_prompt": "auto"}):
        assert client.get("/oauth/authorize", request).status_code == 200


# the nonce of ID tokens


def nonce(answer):
    return jwt.decode(answer["id_token"], options={"verify_signature": False}).get("nonce")


@pytest.mark.parametrize("requested_nonce", [None, "n-1"], ids=["without one", "with one"])
def test_the_nonce_comes_from_the_authorization_request_only(client, webapp, code, signer, requested_nonce):
    answer = redeem(client, webapp, code(webapp, nonce=requested_nonce), nonce="injected")
    assert nonce(answer.json()) == requested_nonce


# framing


def test_the_consent_page_forbids_framing_itself(client, webapp, user, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "XFrameOptions" not in name]
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(webapp))
    assert page.status_code == 200
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
