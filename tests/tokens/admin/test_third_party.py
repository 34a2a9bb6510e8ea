"""Groups, e-mail addresses and second factors in the admin: what may be changed, and its audit events."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser

from tokens.admin.events import Audited
from tokens.admin.read_only import ReadOnly
from tokens.models import AuditEvent, User

pytestmark = pytest.mark.django_db


def test_every_page_that_changes_anything_is_audited():
    pages = django_admin.site._registry
    for model, page in pages.items():
        assert isinstance(page, Audited | ReadOnly), model


def test_a_group_and_a_verified_address_are_events(admin):
    assert admin.post("/admin/auth/group/add/", {"name": "operators"}).status_code == 302
    eve = User.objects.create_user("eve", email="eve@example.org")
    form = {"user": eve.pk, "email": "eve@example.org", "verified": "on", "primary": "on"}
    assert admin.post("/admin/account/emailaddress/add/", form).status_code == 302
    trail = list(AuditEvent.objects.order_by("pk").values_list("action", "actor", "subject"))
    assert trail == [
        ("group.created", "user:root", "group:operators"),
        ("email_address.created", "user:root", f"email_address:eve/{EmailAddress.objects.get().pk}"),
    ]
    assert Group.objects.exists()


FACTORS = "/admin/mfa/authenticator/"
SECRET = "JBSWY3DPEHPK3PXP"


def factor(**user):
    """Return the authenticator app of a new user."""
    return Authenticator.objects.create(
        user=User.objects.create_user(**user), type=Authenticator.Type.TOTP, data={"secret": SECRET}
    )


@pytest.fixture
def helper():
    """Return the browser of a member of staff with all permissions on factors, who is not a superuser."""
    made, browser = User.objects.create_user("helper", is_staff=True), Browser()
    made.user_permissions.set(Permission.objects.filter(content_type__app_label="mfa"))
    browser.force_login(made)
    return browser


def test_nobody_adds_or_changes_a_factor_in_the_admin_or_sees_its_secret(admin, helper):
    theirs = factor(username="eve")
    form = {"user": User.objects.get(username="root").pk, "type": "webauthn", "data": "{}"}
    form |= {"created_at_0": "2026-01-01", "created_at_1": "00:00", "last_used_at_0": "2026-01-01"}
    form |= {"last_used_at_1": "00:00"}
    for browser in (admin, helper):
        assert browser.post(f"{FACTORS}add/", form).status_code == 403
        assert browser.post(f"{FACTORS}{theirs.pk}/change/", form).status_code == 403
        for address in (FACTORS, f"{FACTORS}{theirs.pk}/change/"):
            page = browser.get(address)
            assert page.status_code == 200
            assert "eve" in page.content.decode()
            assert SECRET not in page.content.decode()
    assert list(Authenticator.objects.values_list("user__username", "type")) == [("eve", "totp")]


def test_no_lookup_in_the_address_tries_the_characters_of_a_secret(admin):
    factor(username="eve")
    assert admin.get(FACTORS, {"type__exact": "totp"}).context["cl"].result_count == 1
    assert admin.get(FACTORS, {"data__secret__startswith": "J"}).status_code == 400


def test_a_lost_factor_is_removed_and_only_a_superuser_removes_that_of_staff(admin, helper):
    theirs, colleague = factor(username="eve"), factor(username="colleague", is_staff=True)
    assert helper.post(f"{FACTORS}{theirs.pk}/delete/", {"post": "yes"}).status_code == 302
    assert helper.post(f"{FACTORS}{colleague.pk}/delete/", {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": colleague.pk, "post": "yes"}
    helper.post(FACTORS, action)
    assert list(Authenticator.objects.values_list("user__username", flat=True)) == ["colleague"]
    assert admin.post(FACTORS, action).status_code == 302
    events = AuditEvent.objects.order_by("pk").values_list("action", "actor", "subject")
    assert list(events) == [
        ("factor.deleted", "user:helper", "factor:eve/totp"),
        ("factor.deleted", "user:root", "factor:colleague/totp"),
    ]
