"""User grants and the audit trail in the admin: read-only, except that grants can be revoked."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.factories import API, allow, authorization, make_client, redeem
from tokens.issued import revocation_key
from tokens.models import AuditEvent, Consent, RefreshToken, Revocation, User, UserGrant

pytestmark = pytest.mark.django_db
PAGE = "/admin/tokens/usergrant/"


@pytest.fixture
def grant(client, webapp, code, signer):
    assert redeem(client, webapp, code(webapp)).status_code == 200
    return UserGrant.objects.get()


def revoke(browser, grant, *permissions):
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser.force_login(staff)
    return browser.post(PAGE, {"action": "revoke", "_selected_action": [str(grant.pk)]})


def test_a_grant_is_revoked_with_its_tokens_and_the_event_names_the_administrator(client, grant):
    assert revoke(client, grant, "view_usergrant", "change_usergrant").status_code == 302
    grant.refresh_from_db()
    assert grant.revoke_reason == "revoked in the admin"
    assert Revocation.objects.get(kind="grant").key == revocation_key.key("grant", str(grant.pk))
    event = AuditEvent.objects.get(action="grant.revoked")
    assert (event.actor, event.subject) == ("user:staff", f"grant:{grant.pk}")


def test_a_grant_that_is_revoked_twice_is_recorded_once_and_a_later_consent_is_kept(client, user, webapp, grant):
    revoke(client, grant, "view_usergrant", "change_usergrant")
    Consent.objects.create(user=user, client=webapp, audience=API, scope="notes:read", given_at=timezone.now())
    client.post(PAGE, {"action": "revoke", "_selected_action": [str(grant.pk)]})
    assert AuditEvent.objects.filter(action="grant.revoked").count() == 1
    assert Consent.objects.exists()


def test_the_user_is_asked_for_consent_again_after_an_administrator_revoked_the_grant(client, webapp, user, grant):
    query = authorization(webapp)
    assert client.get("/oauth/authorize", query).status_code == 302, "remembered"
    other = make_client("other", "authorization_code")
    allow(client, authorization(other))
    revoke(Browser(), grant, "view_usergrant", "change_usergrant")
    assert [consent.client for consent in Consent.objects.all()] == [other], "consents for other clients are kept"
    assert client.get("/oauth/authorize", query).status_code == 200


def test_an_administrator_who_may_only_view_grants_cannot_revoke_them(client, grant):
    revoke(client, grant, "view_usergrant")
    grant.refresh_from_db()
    assert grant.revoked_at is None
    assert not Revocation.objects.exists()


def test_the_audit_trail_is_read_only(admin_client, grant):
    event = AuditEvent.objects.create(at=grant.created_at, actor="a", action="thing.done", subject="s")
    assert admin_client.get(f"/admin/tokens/auditevent/{event.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/tokens/auditevent/{event.pk}/change/", {"actor": "b"}).status_code == 403
    assert admin_client.post(f"/admin/tokens/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_grant_s_page_shows_its_refresh_tokens_without_hashes(admin_client, grant):
    now = grant.created_at
    RefreshToken.objects.create(digest="0" * 64, grant=grant, created_at=now, expires_at=now, used_at=now)
    page = admin_client.get(f"{PAGE}{grant.pk}/change/")
    assert page.status_code == 200
    assert "Expires at" in page.content.decode() or "expires at" in page.content.decode()
    assert "0" * 64 not in page.content.decode()
