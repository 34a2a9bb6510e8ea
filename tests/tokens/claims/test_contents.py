"""The claims about a user in access token, ID token and userinfo."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tokens.factories import API, make_client, redeem, refreshed, with_secret
from tokens.models import Client, User, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
ABOUT = {"name", "given_name", "family_name", "preferred_username", "email", "email_verified", "updated_at"}


@pytest.fixture(autouse=True)
def names(user):
    User.objects.update(first_name="Ada", last_name="Lovelace")


def about(claims):
    return claims.keys() & ABOUT


@pytest.mark.parametrize("always", [True, False, None])
@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("openid profile email", ABOUT),
        ("openid email", {"email", "email_verified"}),
        ("openid profile email notes:read", ABOUT),
        ("openid notes:read", set()),
        ("openid", set()),
    ],
)
def test_an_id_token_has_the_claims_if_its_access_token_is_for_an_api_or_by_the_switch(
    client, webapp, code, decode, scope, granted, always
):
    Client.objects.update(claims_in_id_token=always)
    body = redeem(client, webapp, code(webapp, scope=scope)).json()
    has_them = always or "notes:read" in scope
    assert about(decode(body["id_token"], "webapp")[1]) == (granted if has_them else set())
    audience = API if "notes:read" in scope else "http://localhost:8000"
    assert about(decode(body["access_token"], audience)[1]) == set(), "an API has no use for them"


def test_a_claim_that_was_requested_by_name_is_where_it_was_requested(client, webapp, code, decode):
    claims = json.dumps({"userinfo": {"email": {"essential": True}}, "id_token": {"given_name": None}})
    for scope in ("openid", "openid notes:read"):
        body = redeem(client, webapp, code(webapp, scope=scope, claims=claims)).json()
        assert about(decode(body["id_token"], "webapp")[1]) == {"given_name"}
        answer = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
        assert about(answer) == {"email"}


def test_a_claim_with_another_value_than_requested_is_left_out_unless_a_scope_grants_it(client, webapp, code):
    claims = json.dumps({"userinfo": {"given_name": {"value": "Eve"}, "family_name": {"values": ["Lovelace", "x"]}}})
    for scope, expected in (("openid", {"family_name"}), ("openid profile", ABOUT - {"email", "email_verified"})):
        body = redeem(client, webapp, code(webapp, scope=scope, claims=claims)).json()
        answer = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
        assert about(answer) == expected


def test_requested_claims_are_kept_with_the_grant_for_each_refresh(client, apis, code, decode, signer):
    app = with_secret(make_client("app", "authorization_code", "refresh_token", always_gets_refresh_token=True))
    claims = json.dumps({"userinfo": {"email": None}, "id_token": {"given_name": None, "acr": None}})
    first = redeem(client, app, code(app, claims=claims)).json()
    assert UserGrant.objects.get().claims == {
        "userinfo": {"email": {"essential": False}},
        "id_token": {"given_name": {"essential": False}},
    }
    again = refreshed(client, app, first["refresh_token"]).json()
    assert about(decode(again["id_token"], "app")[1]) == {"given_name"}
    answer = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {again['access_token']}").json()
    assert about(answer) == {"email"}


def test_a_claim_that_is_no_longer_supported_is_left_out_of_an_old_grant(client, webapp, code, settings):
    settings.ISSUER = settings.ISSUER | {"CLAIMS_SOURCE": {"locale": "username"}}
    claims = json.dumps({"userinfo": {"locale": None, "email": None}})
    text = redeem(client, webapp, code(webapp, claims=claims)).json()["access_token"]
    request = {"HTTP_AUTHORIZATION": f"Bearer {text}"}
    assert client.get("/oauth/userinfo", **request).json().keys() == {"sub", "locale", "email"}
    settings.ISSUER = settings.ISSUER | {"CLAIMS_SOURCE": {}}
    assert client.get("/oauth/userinfo", **request).json().keys() == {"sub", "email"}


def test_the_claims_of_the_protocol_are_the_same_with_claims_of_the_user(client, webapp, user, code, decode):
    Client.objects.update(claims_in_id_token=True)
    body = redeem(client, webapp, code(webapp, scope="openid profile email")).json()
    claims = decode(body["id_token"], "webapp")[1]
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (str(user.sub), "webapp", "n-1")
    assert claims["name"] == "Ada Lovelace"


def test_a_token_without_claims_about_the_user_costs_no_statement_for_them(client, webapp, code):
    """The scope profile needs no further SQL statement. The scope email needs one, for the claim email_verified."""
    assert redeem(client, webapp, code(webapp)).status_code == 200, "the client is cached"
    numbers = {}
    for scope in ("openid notes:read", "openid profile notes:read", "openid profile email notes:read"):
        issued = code(webapp, scope=scope)
        with CaptureQueriesContext(connection) as queries:
            assert redeem(client, webapp, issued).status_code == 200
        numbers[scope] = len(queries)
    plain, profile, email = numbers.values()
    assert (profile - plain, email - plain) == (0, 1)


def test_the_scopes_address_and_phone_exist_if_the_claims_source_has_their_claims(client, webapp, code, settings):
    def answer():
        body = redeem(client, webapp, code(webapp, scope="openid address phone")).json()
        claims = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
        return body["scope"], claims.keys() - {"sub"}

    assert answer() == ("openid", set())
    settings.ISSUER = settings.ISSUER | {"CLAIMS_SOURCE": {"phone_number": "username"}}
    assert answer() == ("openid phone", {"phone_number"})
    settings.ISSUER = settings.ISSUER | {"CLAIMS_SOURCE": {"phone_number": "username", "address": "username"}}
    assert answer() == ("openid address phone", {"phone_number", "address"})
