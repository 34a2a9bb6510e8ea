"""Staff who may change users cannot give permissions to themselves or to others."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser
from django.utils import timezone

from tokens.models import User, UserGrant

pytestmark = pytest.mark.django_db
USERS, GROUPS = "/admin/tokens/user/", "/admin/auth/group/"


@pytest.fixture
def helper():
    """Return a staff user with all permissions on users and groups, who is not a superuser."""
    made = User.objects.create_user("helper", is_staff=True)
    models = ("user", "group", "emailaddress")
    made.user_permissions.set(Permission.objects.filter(content_type__model__in=models))
    return made


@pytest.fixture
def browser(helper):
    client = Browser()
    client.force_login(helper)
    return client


def form(user, **changes):
    return {"username": user.username, "email": user.email, "is_active": "on"} | changes


@pytest.mark.parametrize(
    "more", [{"is_superuser": "on"}, {"is_staff": "on"}, {"user_permissions": "1"}, {"groups": "1"}]
)
def test_an_ordinary_user_is_changed_and_gets_no_more_rights(browser, more):
    Group.objects.create(pk=1, name="all")
    ada = User.objects.create_user("ada")
    assert browser.post(f"{USERS}{ada.pk}/change/", form(ada, email="ada@example.org", **more)).status_code == 302
    ada.refresh_from_db()
    assert ada.email == "ada@example.org", "what may be changed is"
    assert (ada.is_superuser, ada.is_staff) == (False, False)
    assert [*ada.user_permissions.all(), *ada.groups.all()] == []


@pytest.mark.parametrize("whose", ["helper", "root", "colleague"])
@pytest.mark.parametrize("page", ["change", "password", "delete"])
def test_only_superusers_change_users_with_access_to_the_admin(browser, admin, whose, page):
    User.objects.create_user("colleague", is_staff=True)
    user = User.objects.get(username=whose)
    sent = form(user, is_superuser="on", post="yes", password1="battery staple", password2="battery staple")
    assert browser.post(f"{USERS}{user.pk}/{page}/", sent).status_code == 403
    after = User.objects.get(username=whose)
    assert (after.is_superuser, after.password) == (user.is_superuser, user.password)
    assert admin.get(f"{USERS}{user.pk}/change/").status_code == 200


def test_staff_cannot_delete_a_superuser_in_a_list_of_users(browser):
    root = User.objects.create_superuser("root")
    sent = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    browser.post(USERS, sent)
    assert User.objects.filter(username="root").exists()


def test_only_superusers_change_groups(browser, admin):
    group = Group.objects.create(name="all")
    for page in ("add/", f"{group.pk}/change/", f"{group.pk}/delete/"):
        assert browser.post(f"{GROUPS}{page}", {"name": "mine", "post": "yes"}).status_code == 403
        assert admin.get(f"{GROUPS}{page}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "signingkey/?sealed__startswith=a",
        "signingkey/?mac__gt=",
        "signingkey/?ring__keys__sealed__startswith=a",
        "signingkey/?ring__policy__contains=x",
        "auditevent/?details__contains=x",
        "devicecode/?user_code_digest__gt=a",
        "usergrant/?refresh_tokens__digest__gt=a",
        "usergrant/?user__password__startswith=a",
    ],
)
def test_a_list_cannot_be_filtered_by_a_hash(admin, query):
    assert admin.get(f"/admin/tokens/{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "auditevent/?event=user.created",
        "auditevent/?since=2026-01-01T00:00",
        "usergrant/?q=ada",
        "signingkey/?ring__id__exact=1",
    ],
)
def test_the_filters_of_a_page_work(admin, query):
    assert admin.get(f"/admin/tokens/{query}").status_code == 200


def test_only_superusers_log_out_users_with_access_to_the_admin(browser):
    root, ada = User.objects.create_superuser("root"), User.objects.create_user("ada")
    browser.post(USERS, {"action": "log_out_everywhere", "_selected_action": [root.pk, ada.pk]})
    assert User.objects.get(username="root").logged_out_at is None
    assert User.objects.get(username="ada").logged_out_at is not None


def test_only_superusers_change_addresses_of_users_with_access_to_the_admin(browser, helper):
    helper.user_permissions.add(*Permission.objects.filter(content_type__app_label="account"))
    root, ada = User.objects.create_superuser("root"), User.objects.create_user("ada")
    page = "/admin/account/emailaddress/add/"
    assert browser.post(page, {"user": root.pk, "email": "me@example.org", "verified": "on"}).status_code == 403
    assert browser.post(page, {"user": ada.pk, "email": "ada@example.org", "verified": "on"}).status_code == 302
    assert [address.user for address in EmailAddress.objects.all()] == [ada]


@pytest.mark.parametrize("whose", ["user", "client"])
def test_users_and_clients_are_deleted_with_their_grants(admin, whose, webapp, user):
    now = timezone.now()
    UserGrant.objects.create(
        user=user, client=webapp, audience="a", scope="b", auth_time=now, created_at=now, ends_at=now
    )
    row = {"user": user, "client": webapp}[whose]
    assert admin.post(f"/admin/tokens/{whose}/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not type(row).objects.filter(pk=row.pk).exists()
    assert not UserGrant.objects.exists()
