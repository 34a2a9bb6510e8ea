"""/oauth/userinfo: claims about the user of an access token for the issuer (OpenID Connect Core section 5.3)."""

import jwt
import pytest
from allauth.account.models import EmailAddress

from tests.tokens.factories import API, OTHER_API, basic, make_client, post, redeem, with_secret
from tests.tokens.proofs import OFFER
from tokens.issued import jws
from tokens.models import Api, Client, ExchangePolicy, Scope, User, UserGrant

pytestmark = pytest.mark.usefixtures("signer")


EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


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
    user.refresh_from_db()  # the database dated the change
    names = {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada"}
    names["updated_at"] = int(user.profile_changed_at.timestamp())
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
    joined = int(user.date_joined.timestamp())
    assert body == {"sub": str(user.sub), "name": "ada", "preferred_username": "ada", "updated_at": joined}


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


INVALID = (
    f'Bearer realm="userinfo", error="invalid_token", error_description="The access token is not valid here.", {OFFER}'
)
BARE = f'Bearer realm="userinfo", {OFFER}'


def refused(response):
    return response.status_code, response["WWW-Authenticate"], response["Cache-Control"]


def test_a_request_without_a_bearer_token_gets_a_challenge(client):
    """RFC 6750 section 3: no error code for a request without authentication information."""
    for extra in ({}, basic("ada", "x"), {"HTTP_AUTHORIZATION": "Bearerx"}):
        assert refused(client.get("/oauth/userinfo", **extra)) == (401, BARE, "no-store")
    assert client.put("/oauth/userinfo").status_code == 405


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30", "x" * 9000])
def test_an_invalid_token_is_refused(client, text):
    assert refused(client.get("/oauth/userinfo", **bearer(text))) == (401, INVALID, "no-store")


def test_a_service_s_token_and_an_id_token_are_refused(client, webapp, code, service):
    body = redeem(client, webapp, code(webapp)).json()
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    own = post(client, "/oauth/token", form, **basic("service", service.plain)).json()
    for text in (body["id_token"], own["access_token"]):
        assert refused(client.get("/oauth/userinfo", **bearer(text))) == (401, INVALID, "no-store")


@pytest.mark.parametrize("switch", [True, False, None])
def test_a_token_for_an_api_gives_the_claims_of_the_grant_unless_the_client_s_switch_is_off(
    client, token, user, switch
):
    text, own = token("openid email notes:read"), token("openid email")
    Client.objects.update(userinfo_by_api_tokens=switch)
    answer = client.get("/oauth/userinfo", **bearer(text))
    if switch is False:
        assert answer.status_code == 401
        assert "ask for a token with resource=the issuer" in answer["WWW-Authenticate"]
    else:
        assert answer.json() == {"sub": str(user.sub), "email": "ada@example.org", "email_verified": False}
    assert client.get("/oauth/userinfo", **bearer(own)).status_code == 200, "a token for the issuer"


def test_a_token_for_an_api_of_a_grant_without_openid_is_insufficient_scope(client, token):
    answer = client.get("/oauth/userinfo", **bearer(token("notes:read")))
    assert answer.status_code == 403
    assert "The user's grant lacks the scope openid." in answer["WWW-Authenticate"]


def test_a_revoked_token_for_an_api_is_refused(client, token, webapp):
    taken, other = token("openid notes:read"), token("openid notes:read")
    post(client, "/oauth/revoke", {"token": taken}, **basic("webapp", webapp.plain))
    assert refused(client.get("/oauth/userinfo", **bearer(taken))) == (401, INVALID, "no-store")
    assert client.get("/oauth/userinfo", **bearer(other)).status_code == 200
    UserGrant.objects.all().delete()
    assert refused(client.get("/oauth/userinfo", **bearer(other))) == (401, INVALID, "no-store")


def test_an_exchanged_token_is_refused(client, token):
    """The user has granted nothing to the client that holds the exchanged token."""
    gateway = with_secret(make_client("gateway", EXCHANGE, scopes=()))
    Api.objects.filter(identifier=API).update(client=gateway)
    policy = ExchangePolicy.objects.create(client=gateway, api=Api.objects.get(identifier=OTHER_API))
    policy.scopes.set(Scope.objects.filter(name="other:read"))
    received = token("openid notes:read")
    form = {"grant_type": EXCHANGE, "subject_token": received, "scope": "other:read"}
    form["subject_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
    exchanged = post(client, "/oauth/token", form, **basic("gateway", gateway.plain)).json()["access_token"]
    assert client.get("/oauth/userinfo", **bearer(received)).status_code == 200
    assert refused(client.get("/oauth/userinfo", **bearer(exchanged))) == (401, INVALID, "no-store")


@pytest.mark.parametrize("accepted", [True, False])
def test_a_token_in_the_body_is_accepted_by_a_switch_and_never_in_the_address(client, token, settings, accepted):
    text = token("openid")
    settings.ISSUER = settings.ISSUER | {"USERINFO_TOKEN_IN_BODY": accepted}
    assert client.get("/oauth/userinfo", {"access_token": text}).status_code == 400
    assert post(client, f"/oauth/userinfo?access_token={text}", {}).status_code == 400
    assert post(client, "/oauth/userinfo", {"access_token": text}).status_code == (200 if accepted else 400)


def test_a_token_is_sent_once(client, token, settings):
    """RFC 6750 section 2: a client must use only one method to send the token."""
    text = token("openid")
    settings.ISSUER = settings.ISSUER | {"USERINFO_TOKEN_IN_BODY": True}
    assert post(client, "/oauth/userinfo", {"access_token": text}, **bearer(text)).status_code == 400
    assert post(client, "/oauth/userinfo", {"access_token": [text, text]}).status_code == 400
    wrong = post(client, "/oauth/userinfo", {"access_token": "x"})
    assert refused(wrong) == (401, INVALID, "no-store")
    assert post(client, "/oauth/userinfo", {}).status_code == 401


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


@pytest.mark.parametrize("scope", ["openid profile", "openid profile notes:read"])
def test_userinfo_costs_two_statements(client, token, django_assert_num_queries, scope):
    request = bearer(token(scope))
    with django_assert_num_queries(2):
        assert client.get("/oauth/userinfo", **request).status_code == 200


def test_a_token_without_openid_is_insufficient_scope(client, token, signer):
    claims = jwt.decode(token("openid"), options={"verify_signature": False}) | {"scope": "profile"}
    response = client.get("/oauth/userinfo", **bearer(jws.sign(claims, typ="at+jwt", signer=signer)))
    challenge = (
        'Bearer realm="userinfo", error="insufficient_scope", error_description="The token lacks the scope openid.",'
        f" {OFFER}"
    )
    assert refused(response) == (403, challenge, "no-store")


def test_the_client_s_day_of_last_use_is_stored(webapp, token):
    assert webapp.last_used_on is None
    token("openid")
    webapp.refresh_from_db()
    assert webapp.last_used_on is not None
