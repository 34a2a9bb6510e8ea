"""Revoking everything in the admin needs a superuser, a reason and a confirmation."""

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.tokens.feed_reader import key
from tokens import conf
from tokens.models import AuditEvent, Publication, Revocation, User, UserGrant
from tokens.revoking import bulk

pytestmark = pytest.mark.django_db
PAGE, LIST = "/admin/tokens/client/revoke-all/", "/admin/tokens/client/"
CONFIRMED = {"reason": "breach", "confirmed": "on"}


@pytest.fixture
def grant(user, webapp):
    now = timezone.now()
    return UserGrant.objects.create(
        user=user, client=webapp, audience="a", scope="b", auth_time=now, created_at=now, ends_at=now
    )


def test_the_page_counts_what_would_be_revoked_and_changes_nothing(admin, grant):
    html = admin.get(PAGE).content.decode()
    assert "User grants that are revoked with their refresh tokens: 1." in html
    assert f"Users who are logged out, including you: {User.objects.count()}." in html
    grant.refresh_from_db()
    assert (grant.revoked_at, Revocation.objects.count()) == (None, 0)
    assert not AuditEvent.objects.filter(action="tokens.revoked").exists()


@pytest.mark.parametrize("lacks", ["reason", "confirmed"])
def test_a_form_without_reason_or_confirmation_changes_nothing(admin, grant, lacks):
    answer = admin.post(PAGE, {**CONFIRMED, lacks: ""} if lacks == "reason" else {"reason": "breach"})
    assert "This field is required" in answer.content.decode()
    grant.refresh_from_db()
    assert (grant.revoked_at, Revocation.objects.count()) == (None, 0)


def test_a_confirmed_form_revokes_everything_publishes_it_and_is_audited(admin, grant):
    users = User.objects.count()
    html = admin.post(PAGE, CONFIRMED).content.decode()
    assert f"User grants: 1. Users who were logged out: {users}." in html
    grant.refresh_from_db()
    assert (grant.revoke_reason, grant.revoked_at is None) == ("breach", False)
    everything = Revocation.objects.get(kind="iss")
    assert everything.key.bytes == key("iss", conf.issuer().url)
    assert any(everything.key.bytes in bytes(publication.body) for publication in Publication.objects.all())
    event = AuditEvent.objects.get(action="tokens.revoked")
    assert (event.actor, event.subject) == ("user:root", f"issuer:{conf.issuer().url}")
    assert event.details == {"reason": "breach", "grants": 1, "users": users}
    assert admin.get(PAGE).status_code == 302, "who revoked everything logs in again"


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_cut_short_has_an_event_of_its_beginning(admin, grant, monkeypatch):
    def cut(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(bulk, "_end_sessions", cut)
    with pytest.raises(RuntimeError):
        admin.post(PAGE, CONFIRMED)
    assert Revocation.objects.filter(kind="iss").exists()
    begun = AuditEvent.objects.get(action="tokens.revocation_begun")
    assert (begun.actor, begun.subject) == ("user:root", f"issuer:{conf.issuer().url}")
    assert begun.details == {"reason": "breach"}
    assert not AuditEvent.objects.filter(action="tokens.revoked").exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_superusers_can_revoke_everything(client, grant, method):
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    assert getattr(client, method)(PAGE, CONFIRMED).status_code == 403
    assert Revocation.objects.count() == 0
    assert PAGE not in client.get(LIST).content.decode()


def test_the_list_of_clients_has_the_button_for_superusers(admin):
    assert PAGE in admin.get(LIST).content.decode()
