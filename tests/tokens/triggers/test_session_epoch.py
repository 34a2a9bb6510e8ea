"""A disabled user's sessions and grants do not work again when the user is enabled."""

import pytest
from django.db import connection
from django.utils import timezone

from tests.tokens.factories import allow, authorization, log_in, make_client, parameters, redeem
from tokens.models import User, UserGrant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
SCOPE = "openid notes:read offline_access"


@pytest.fixture
def app(apis):
    return make_client("app", "authorization_code", "refresh_token", public=True)


def disable_and_enable(account):
    for active in (False, True):
        account.is_active = active
        account.save()


def by_save(user, *, active):
    user.is_active = active
    user.save()


def by_queryset(user, *, active):
    User.objects.filter(pk=user.pk).update(is_active=active)


def by_sql(user, *, active):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tokens_user SET is_active = %s WHERE id = %s", [active, user.pk])


@pytest.mark.parametrize("door", [by_save, by_queryset, by_sql])
def test_a_session_from_before_a_user_was_disabled_does_not_work_again(client, app, user, door):
    log_in(client, user)
    assert client.get("/oauth/authorize", authorization(app)).status_code == 200
    door(user, active=False)
    door(user, active=True)
    assert client.get("/oauth/authorize", authorization(app))["Location"].startswith("/accounts/login/?")
    assert not client.get("/accounts/").context["user"].is_authenticated


@pytest.mark.parametrize("door", [by_save, by_queryset, by_sql])
def test_a_grant_from_before_a_user_was_disabled_does_not_work_again(client, app, user, door):
    log_in(client, user)
    code = parameters(allow(client, authorization(app, scope=SCOPE)))["code"]
    door(user, active=False)
    door(user, active=True)
    answer = redeem(client, app, code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("changed", ["first_name", "last_login", "is_active, which it was"])
def test_a_session_continues_if_another_field_of_the_user_changes(client, app, user, changed):
    log_in(client, user)
    user.first_name, user.last_login = "Ada", timezone.now()
    user.save(update_fields=[changed.partition(",")[0]])
    user.save()
    assert client.get("/oauth/authorize", authorization(app)).status_code == 200


def test_saving_a_user_who_was_read_before_being_disabled_restores_no_session(client, app, user):
    log_in(client, user)
    stale = User.objects.get(pk=user.pk)
    disable_and_enable(user)
    stale.first_name = "Ada"
    stale.save()
    assert client.get("/oauth/authorize", authorization(app)).status_code == 302


def test_a_login_after_a_user_was_enabled_again_works(client, app, user):
    disable_and_enable(user)
    client.post("/accounts/login/", {"login": "ada", "password": "correct horse"})
    assert client.get("/oauth/authorize", authorization(app)).status_code == 200
    assert UserGrant.objects.count() == 0
