"""Changes of groups and e-mail addresses in the admin are audit events."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group

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
