"""/oauth/userinfo: claims about the user of an access token for the issuer (OpenID Connect Core section 5.3)."""

import jwt
import pytest
from allauth.account.models import EmailAddress

from tests.tokens.factories import basic, post, redeem
from tokens.issued import jws
from tokens.models import Client, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


@pytest.fixture
def token(client, webapp, code):
    def fetch(scope):
        return redeem(client, webapp, code(webapp, scope=scope)).json()["access_token"]

    return fetch


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_token_for_the_issuer_gives_the_claims_of_its_scopes(client, token, user, method):
    user.first_name, user.last_name = "Ada", "Lovelace"
    user.save()
    names = {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada"}
    expected = {
        "openid": {"sub": str(user.sub)},
        "openid profile": {"sub": str(user.sub), **names},
        "openid email": {"sub": str(user.sub), "email": "ada@example.org", "email_verified": False},
    }
    for scope, body in expected.items():
        response = getattr(client, method)("/oauth/userinfo", **bearer(token(scope)))
        assert (response.status_code, response.json(), response["Cache-Control"]) == (200, body, "no-store")


def test_an_empty_claim_is_left_out(client, token, user):
    body = client.get("/oauth/userinfo", **bearer(token("openid profile"))).json()
    assert body == {"sub": str(user.sub), "name": "ada", "preferred_username": "ada"}


@pytest.mark.parametrize("falls_back", [True, False])
@pytest.mark.parametrize(
    ("first", "last", "name"), [("Ada", "Lovelace", "Ada Lovelace"), ("", "Lovelace", "Lovelace"), ("", " ", None)]
)
def test_a_name_is_the_username_only_if_there_is_no_other_and_the_setting_allows_it(
    client, token, user, settings, falls_back, first, last, name
):
    settings.ISSUER = settings.ISSUER | {"NAME_FROM_USERNAME": falls_back}
    User.objects.update(first_name=first, last_name=last)
    body = client.get("/oauth/userinfo", **bearer(token("openid profile"))).json()
    assert body.get("name") == (name or ("ada" if falls_back else None))
    assert body["preferred_username"] == "ada"
    assert "name" not in client.get("/oauth/userinfo", **bearer(token("openid email"))).json(), "not its scope"


def test_an_address_is_verified_if_its_user_confirmed_it(client, token, user):
    proof = EmailAddress.objects.create(user=user, email="ada@example.org", verified=True)
    request = bearer(token("openid email"))
    assert client.get("/oauth/userinfo", **request).json()["email_verified"] is True
    user.email = "ada@new.example"
    user.save()
    assert client.get("/oauth/userinfo", **request).json()["email_verified"] is False
    User.objects.update(email="")
    assert client.get("/oauth/userinfo", **request).json() == {"sub": str(proof.user.sub)}


INVALID = 'Bearer realm="userinfo", error="invalid_token", error_description="The access token is not valid here."'


def refused(response):
    return response.status_code, response["WWW-Authenticate"], response["Cache-Control"]


def test_a_request_without_a_bearer_token_gets_a_challenge(client):
    """RFC 6750 section 3: no error code for a request without authentication information."""
    for extra in ({}, basic("ada", "x"), {"HTTP_AUTHORIZATION": "Bearerx"}):
        assert refused(client.get("/oauth/userinfo", **extra)) == (401, 'Bearer realm="userinfo"', "no-store")
    assert client.put("/oauth/userinfo").status_code == 405


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30", "x" * 9000])
def test_an_invalid_token_is_refused(client, text):
    assert refused(client.get("/oauth/userinfo", **bearer(text))) == (401, INVALID, "no-store")


def test_a_token_for_an_api_and_an_id_token_are_refused(client, webapp, code, service):
    body = redeem(client, webapp, code(webapp)).json()
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    own = post(client, "/oauth/token", form, **basic("service", service.plain)).json()
    for text in (body["access_token"], body["id_token"], own["access_token"]):
        assert refused(client.get("/oauth/userinfo", **bearer(text))) == (401, INVALID, "no-store")


def test_a_token_in_the_address_or_the_body_is_refused(client, token):
    text = token("openid")
    assert client.get("/oauth/userinfo", {"access_token": text}).status_code == 400
    assert post(client, "/oauth/userinfo", {"access_token": text}).status_code == 400


def test_a_revoked_token_and_a_token_of_a_disabled_user_are_refused(client, token, webapp, user):
    taken, other = token("openid"), token("openid email")
    post(client, "/oauth/revoke", {"token": taken}, **basic("webapp", webapp.plain))
    assert refused(client.get("/oauth/userinfo", **bearer(taken))) == (401, INVALID, "no-store")
    assert client.get("/oauth/userinfo", **bearer(other)).status_code == 200
    user.is_active = False
    user.save()
    assert refused(client.get("/oauth/userinfo", **bearer(other))) == (401, INVALID, "no-store")


def test_a_user_who_was_disabled_by_sql_is_refused(client, token, user):
    text = token("openid")
    User.objects.update(is_active=False)
    assert refused(client.get("/oauth/userinfo", **bearer(text))) == (401, INVALID, "no-store")


def test_a_client_that_was_disabled_by_sql_gets_no_claims(client, token):
    text = token("openid")
    assert client.get("/oauth/userinfo", **bearer(text)).status_code == 200
    Client.objects.update(is_active=False)
    assert refused(client.get("/oauth/userinfo", **bearer(text))) == (401, INVALID, "no-store")


def test_userinfo_costs_two_statements(client, token, django_assert_num_queries):
    request = bearer(token("openid profile"))
    with django_assert_num_queries(2):
        assert client.get("/oauth/userinfo", **request).status_code == 200


def test_a_token_without_openid_is_insufficient_scope(client, token, signer):
    claims = jwt.decode(token("openid"), options={"verify_signature": False}) | {"scope": "profile"}
    response = client.get("/oauth/userinfo", **bearer(jws.sign(claims, typ="at+jwt", signer=signer)))
    challenge = (
        'Bearer realm="userinfo", error="insufficient_scope", error_description="The token lacks the scope openid."'
    )
    assert refused(response) == (403, challenge, "no-store")


def test_the_client_s_day_of_last_use_is_stored(webapp, token):
    assert webapp.last_used_on is None
    token("openid")
    webapp.refresh_from_db()
    assert webapp.last_used_on is not None
