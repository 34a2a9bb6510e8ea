"""Changes of groups, e-mail addresses and second factors in the admin are audit events."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, Permission

from tokens.admin.events import Audited
from tokens.admin.read_only import ReadOnly
from tokens.models import AuditEvent, User


def test_every_page_that_changes_anything_is_audited():
    pages = django_admin.site._registry
    for model, page in pages.items():
        assert isinstance(page, Audited | ReadOnly), model


def test_a_group_and_a_verified_address_are_events(admin):
    may = Permission.objects.get(codename="change_client")
    assert admin.post("/admin/auth/group/add/", {"name": "operators", "permissions": [may.pk]}).status_code == 302
    eve = User.objects.create_user("eve", email="eve@example.org")
    form = {"user": eve.pk, "email": "eve@example.org", "verified": "on", "primary": "on"}
    assert admin.post("/admin/account/emailaddress/add/", form).status_code == 302
    trail = list(AuditEvent.objects.order_by("pk").values_list("action", "actor", "subject", "details"))
    details = {"sub": str(eve.sub), "verified": True, "primary": True}
    assert trail == [
        ("group.created", "user:root", "group:operators", {"permissions": ["tokens.change_client"]}),
        ("email_address.created", "user:root", f"email_address:eve/{EmailAddress.objects.get().pk}", details),
    ]
    assert Group.objects.exists()


def test_the_list_of_addresses_has_no_action_that_verifies_them(admin):
    row = EmailAddress.objects.create(user=User.objects.create_user("eve"), email="eve@example.org")
    page = "/admin/account/emailaddress/"
    offered = [name for name, _ in admin.get(page).context["action_form"].fields["action"].choices]
    assert offered == ["", "delete_selected"]
    admin.post(page, {"action": "make_verified", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert not row.verified


def factor(name, **rights):
    user = User.objects.create_user(name, **rights)
    return TOTP.activate(user, generate_totp_secret()).instance


def test_a_factor_is_shown_without_its_secret_and_can_be_removed_but_not_changed_or_added(admin):
    row = factor("ada")
    page = f"/admin/mfa/authenticator/{row.pk}/"
    shown = admin.get(f"{page}change/")
    assert "Authenticator app" in shown.text or "TOTP" in shown.text
    assert row.data["secret"] not in shown.text
    assert admin.post(f"{page}change/", {"user": row.user_id, "type": "totp"}).status_code == 403
    assert admin.get("/admin/mfa/authenticator/add/").status_code == 403
    assert admin.post(f"{page}delete/", {"post": "yes"}).status_code == 302
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == ("factor.deleted", "user:root", f"factor:ada/{row.pk}")
    assert event.details == {"type": "totp", "sub": str(row.user.sub)}


@pytest.mark.django_db
@pytest.mark.parametrize(("rights", "status"), [({}, 302), ({"is_staff": True}, 403), ({"is_superuser": True}, 403)])
def test_only_superusers_remove_a_factor_of_a_user_with_access_to_the_admin(client, rights, status):
    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__model="authenticator"))
    client.force_login(helper)
    row = factor("ada", **rights)
    assert client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"}).status_code == status
    assert Authenticator.objects.exists() == (status == 403)


@pytest.mark.django_db
def test_the_action_for_many_rows_removes_no_factor_of_a_user_with_access_to_the_admin(client):
    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__model="authenticator"))
    client.force_login(helper)
    rows = [factor("ada"), factor("boss", is_superuser=True)]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    assert client.post("/admin/mfa/authenticator/", chosen).status_code == 403
    assert Authenticator.objects.count() == 2


def test_no_lookup_in_the_address_tries_the_characters_of_a_secret(admin):
    factor("ada")
    assert admin.get("/admin/mfa/authenticator/", {"type__exact": "totp"}).context["cl"].result_count == 1
    assert admin.get("/admin/mfa/authenticator/", {"data__secret__startswith": "1"}).status_code == 400


@pytest.fixture
def addresses():
    rows = [("ada", "ada@example.org"), ("Ada", "Countess@Example.com"), ("eve", "adamant@example.org")]
    for name, email in rows:
        EmailAddress.objects.create(user=User.objects.create_user(name), email=email)


@pytest.mark.parametrize(
    ("words", "emails"),
    [
        ("count", ["Countess@Example.com"]),
        ("COUNTESS@example.com", ["Countess@Example.com"]),
        ("adamant@", ["adamant@example.org"]),
        ("adam", ["adamant@example.org"]),
        ("eve", ["adamant@example.org"]),
        ("EVE", ["adamant@example.org"]),
        ("ada", ["Countess@Example.com", "ada@example.org", "adamant@example.org"]),
        ("ada count", ["Countess@Example.com"]),
        ("ev", []),
        ("example.org", []),
        ("dam", []),
        ("%", []),
        ("a_a", []),
        ("nothing", []),
    ],
)
def test_an_address_is_found_by_its_beginning_and_by_the_name_of_its_user(admin, addresses, words, emails):
    page = admin.get("/admin/account/emailaddress/", {"q": words})
    assert sorted(row.email for row in page.context["cl"].result_list) == emails


def test_an_address_is_found_by_the_sub_of_its_user(admin, addresses):
    sub = User.objects.get(username="eve").sub
    for words in (str(sub), sub.hex, sub.urn):
        page = admin.get("/admin/account/emailaddress/", {"q": words})
        assert [row.email for row in page.context["cl"].result_list] == ["adamant@example.org"]
