"""The claim `groups`, with chosen groups of the user.

A token has it if the scope and the API allow it (RFC 9068 section 2.2.3.1).
"""

import sys
from types import ModuleType

import pytest
from django.contrib.auth.models import Group

from tests.tokens.factories import API, make_client, redeem, refreshed, with_secret
from tokens.claims import group_names
from tokens.models import Api, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
SCOPE = "openid groups notes:read"


@pytest.fixture
def groups(user, settings):
    settings.ISSUER = settings.ISSUER | {"GROUPS_CLAIM": ["editors", "authors", "critics"]}
    user.groups.set([Group.objects.create(name=name) for name in ("editors", "authors", "secret")])
    Group.objects.create(name="critics")


def test_only_chosen_groups_of_the_user_are_named(user, groups):
    assert group_names.of_user(user) == ["authors", "editors"]


@pytest.mark.parametrize("at_api", [True, False, None])
def test_the_scope_gives_the_groups_to_the_client_and_to_an_api_by_its_switch(
    client, webapp, code, decode, groups, at_api
):
    Api.objects.filter(identifier=API).update(gets_groups=at_api)
    body = redeem(client, webapp, code(webapp, scope=SCOPE)).json()
    access = decode(body["access_token"], API)[1]
    assert access.get("groups") == (["authors", "editors"] if at_api else None)
    assert access["scope"] == "notes:read"
    assert decode(body["id_token"], "webapp")[1]["groups"] == ["authors", "editors"]
    answer = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
    assert answer["groups"] == ["authors", "editors"]


@pytest.mark.parametrize("at_api", [True, False])
def test_a_claims_hook_does_not_give_the_groups_to_an_api_whose_switch_is_off(
    client, webapp, code, decode, groups, settings, monkeypatch, at_api
):
    module = ModuleType("deployment_groups")
    module.add = lambda **_: {"tenant": "acme"}
    monkeypatch.setitem(sys.modules, "deployment_groups", module)
    settings.ISSUER = settings.ISSUER | {"CLAIMS": "deployment_groups.add"}
    Api.objects.update(gets_groups=at_api)
    access = decode(redeem(client, webapp, code(webapp, scope=SCOPE)).json()["access_token"], API)[1]
    assert (access["tenant"], access.get("groups")) == ("acme", ["authors", "editors"] if at_api else None)


def test_without_the_scope_no_token_or_answer_has_the_groups(client, webapp, code, decode, groups):
    Api.objects.update(gets_groups=True)
    body = redeem(client, webapp, code(webapp)).json()
    assert "groups" not in decode(body["access_token"], API)[1]
    assert "groups" not in decode(body["id_token"], "webapp")[1]
    assert "groups" not in client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()


def test_a_user_without_groups_has_an_empty_list(client, webapp, code, decode, groups):
    User.groups.through.objects.all().delete()
    body = redeem(client, webapp, code(webapp, scope="openid groups")).json()
    answer = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
    assert answer["groups"] == []


def test_without_the_setting_there_is_no_such_scope(client, webapp, code, decode, user, signer):
    user.groups.set([Group.objects.create(name="editors")])
    Api.objects.update(gets_groups=True)
    body = redeem(client, webapp, code(webapp, scope=SCOPE)).json()
    assert body["scope"] == "openid notes:read"
    assert "groups" not in decode(body["access_token"], API)[1] | decode(body["id_token"], "webapp")[1]
    assert "groups" not in client.get("/.well-known/openid-configuration").json()["scopes_supported"]


def test_a_refresh_names_the_groups_of_today(client, apis, user, code, decode, groups, signer):
    Api.objects.update(gets_groups=True)
    app = with_secret(make_client("app", "authorization_code", "refresh_token", always_gets_refresh_token=True))
    first = redeem(client, app, code(app, scope=SCOPE)).json()
    user.groups.remove(Group.objects.get(name="editors"))
    again = refreshed(client, app, first["refresh_token"]).json()
    assert decode(again["access_token"], API)[1]["groups"] == ["authors"]
    assert decode(again["id_token"], "app")[1]["groups"] == ["authors"]


def test_a_service_and_a_token_without_openid_have_no_groups(client, webapp, code, decode, groups, signer):
    Api.objects.update(gets_groups=True)
    body = redeem(client, webapp, code(webapp, scope="notes:read")).json()
    assert "groups" not in decode(body["access_token"], API)[1]
