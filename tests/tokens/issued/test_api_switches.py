"""The switches of an API that change its access tokens.

One switch makes `aud` a list. The other switch makes the `typ` JWT, which is dangerous.
"""

from datetime import UTC, datetime

import jwt
import pytest

from tests.tokens.factories import API, OTHER_API, basic, post, redeem
from tests.tokens.rfc import ISSUER, claims_of, confidential, signed_again
from tokens.issued import token_reader
from tokens.issued.token_reader import InvalidPresentedToken
from tokens.models import Api, Client, ExchangePolicy, Revocation, Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

BOTH = {"lists_audience": True, "dangerously_issues_typ_jwt": True}
FORMS = {
    "off": ({}, "at+jwt", API),
    "off again": (dict.fromkeys(BOTH, False), "at+jwt", API),
    "aud as a list": ({"lists_audience": True}, "at+jwt", [API]),
    "typ JWT": ({"dangerously_issues_typ_jwt": True}, "JWT", API),
    "both": (BOTH, "JWT", [API]),
}


@pytest.fixture
def desk(apis):
    return confidential("desk", "authorization_code", "refresh_token", scopes=("notes:read", "other:read"))


def switch(**changes):
    Api.objects.filter(identifier=API).update(**changes)


def form_of(token):
    return jwt.get_unverified_header(token)["typ"], claims_of(token)["aud"]


def own_token(client, service):
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    return post(client, "/oauth/token", form, **basic("service", service.plain)).json()["access_token"]


@pytest.mark.parametrize("name", FORMS)
def test_tokens_for_an_api_are_written_as_its_switches_say(client, service, desk, code, name):
    changes, typ, aud = FORMS[name]
    switch(**changes)
    assert form_of(own_token(client, service)) == (typ, aud)
    body = redeem(client, desk, code(desk, scope="openid notes:read offline_access")).json()
    assert form_of(body["access_token"]) == (typ, aud)
    assert form_of(body["id_token"]) == ("JWT", "desk"), "an ID token is as before"
    again = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    refreshed = post(client, "/oauth/token", again, **basic("desk", desk.plain)).json()["access_token"]
    assert form_of(refreshed) == (typ, aud)


def test_tokens_for_other_audiences_are_as_before(client, desk, code):
    switch(**BOTH)
    other = redeem(client, desk, code(desk, scope="other:read")).json()["access_token"]
    assert form_of(other) == ("at+jwt", OTHER_API)
    identity = redeem(client, desk, code(desk, scope="openid")).json()["access_token"]
    assert form_of(identity) == ("at+jwt", ISSUER)


def test_a_change_of_a_switch_is_seen_by_the_next_request(client, service):
    assert form_of(own_token(client, service)) == ("at+jwt", API)
    switch(**BOTH)
    assert form_of(own_token(client, service)) == ("JWT", [API])


@pytest.mark.parametrize("name", FORMS)
def test_the_issuer_reads_such_a_token_at_each_endpoint_that_reads_access_tokens(
    client, service, desk, code, apis, name
):
    switch(**FORMS[name][0])
    Client.objects.filter(pk=service.pk).update(grants=["urn:ietf:params:oauth:grant-type:token-exchange"])
    switch(client=service)
    policy = ExchangePolicy.objects.create(client=service, api=apis[OTHER_API])
    policy.scopes.add(Scope.objects.get(name="other:read"))
    token = redeem(client, desk, code(desk)).json()["access_token"]
    headers = basic("service", service.plain)

    def introspected():
        return post(client, "/oauth/introspect", {"token": token}, **headers).json()

    assert (introspected()["active"], introspected()["aud"]) == (True, FORMS[name][2])
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "other:read",
    }
    assert form_of(post(client, "/oauth/token", exchange, **headers).json()["access_token"]) == ("at+jwt", OTHER_API)
    switch(**dict.fromkeys(BOTH))
    assert introspected()["active"] is True, "a token lives on after its API is switched back"
    assert post(client, "/oauth/revoke", {"token": token}, **basic("desk", desk.plain)).status_code == 200
    assert Revocation.objects.exists()
    assert introspected() == {"active": False}


NO_ACCESS_TOKENS = {
    "an ID token": {},
    "an ID token for an API": {"aud": API},
    "an ID token with the claims of an access token": {
        "aud": API,
        "client_id": "desk",
        "jti": "x",
        "scope": "notes:read",
    },
}


@pytest.mark.parametrize("name", NO_ACCESS_TOKENS)
def test_an_id_token_is_no_access_token_of_an_api_that_asks_for_the_type_jwt(client, desk, code, signer, name):
    switch(**BOTH)
    identity = redeem(client, desk, code(desk)).json()["id_token"]
    text = signed_again(identity, signer, typ="JWT", **NO_ACCESS_TOKENS[name])
    with pytest.raises(InvalidPresentedToken, match="not an access token"):
        token_reader.read(text, now=datetime.fromtimestamp(claims_of(text)["iat"], UTC))


def test_the_issuer_accepts_no_token_of_the_type_jwt_for_itself(client, user, desk, code, signer):
    """The token is an access token for userinfo, except that it has the `typ` of an ID token."""
    identity = redeem(client, desk, code(desk, scope="openid")).json()["access_token"]
    for typ, status in (("at+jwt", 200), ("JWT", 401)):
        text = signed_again(identity, signer, typ=typ)
        assert client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {text}").status_code == status


def test_the_switches_cost_no_statement(client, service, django_assert_num_queries):
    switch(**BOTH)
    own_token(client, service)
    with django_assert_num_queries(1):
        own_token(client, service)
