"""The name of a token's user in an introspection response.

An API gets it for its own tokens if the API's column `introspection_names_user` is True. Other clients do not get it.
"""

import pytest
from allauth.account.models import EmailAddress

from tests.tokens.factories import API, basic, make_client, post, redeem, with_secret
from tests.tokens.rfc import claims_of, confidential
from tokens.models import Api, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

SWITCH = "introspection_names_user"


@pytest.fixture
def mail(apis):
    """Return the API's client. This client gets the user's name when it introspects a token."""
    made = confidential("mail")
    Api.objects.filter(identifier=API).update(client=made, **{SWITCH: True})
    return made


@pytest.fixture
def desk(apis):
    return confidential("desk", "authorization_code", "client_credentials")


@pytest.fixture
def token(client, desk, mail, code):
    return redeem(client, desk, code(desk, scope="notes:read")).json()["access_token"]


def introspected(browser, token, by):
    return post(browser, "/oauth/introspect", {"token": token}, **basic(by.client_id, by.plain)).json()


def names(response):
    return {name: response[name] for name in ("username", "email") if name in response}


def test_the_api_gets_the_user_s_name(client, mail, token):
    response = introspected(client, token, mail)
    assert (response["active"], names(response)) == (True, {"username": "ada"})
    assert set(response) == {"active", "token_type", "username", *claims_of(token)}


def test_the_api_gets_an_address_that_is_verified(client, user, mail, token):
    EmailAddress.objects.create(user=user, email=user.email, verified=True)
    assert names(introspected(client, token, mail)) == {"username": "ada", "email": "ada@example.org"}


@pytest.mark.parametrize("address", ["ada@example.org", "former@example.org"])
def test_the_api_does_not_get_an_address_that_is_not_verified(client, user, mail, token, address):
    EmailAddress.objects.create(user=user, email=address, verified=address == "former@example.org")
    assert names(introspected(client, token, mail)) == {"username": "ada"}


@pytest.mark.parametrize("off", [None, False])
def test_without_the_switch_the_api_gets_the_sub_only(client, mail, token, off):
    assert "username" in introspected(client, token, mail)
    Api.objects.update(**{SWITCH: off})
    assert names(introspected(client, token, mail)) == {}


def test_the_client_of_the_token_does_not_get_the_name(client, desk, mail, token):
    response = introspected(client, token, desk)
    assert (response["active"], names(response)) == (True, {})


def test_another_api_gets_no_claim(client, mail, token):
    other = with_secret(make_client("other-api"))
    Api.objects.filter(identifier="https://other.example/").update(client=other, **{SWITCH: True})
    assert introspected(client, token, other) == {"active": False}


def test_a_token_of_a_client_that_acts_for_itself_names_no_user(client, desk, mail):
    User.objects.create_user("desk", email="desk@example.org")
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    own = post(client, "/oauth/token", form, **basic("desk", desk.plain)).json()["access_token"]
    response = introspected(client, own, mail)
    assert (response["active"], names(response)) == (True, {})


def test_a_disabled_user_is_not_named(client, user, mail, token):
    user.is_active = False
    user.save()
    assert introspected(client, token, mail) == {"active": False}


def test_the_names_cost_statements_for_such_an_api_only(client, mail, token, django_assert_num_queries):
    introspected(client, token, mail)
    with django_assert_num_queries(3):
        introspected(client, token, mail)
    Api.objects.update(**{SWITCH: None})
    introspected(client, token, mail)
    with django_assert_num_queries(1):
        introspected(client, token, mail)
