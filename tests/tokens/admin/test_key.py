"""Key rings and signing keys in the admin: the timeline, the buttons and their permissions."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.tokens.factories import operation
from tokens.admin.key_picture import LEFT, RIGHT, picture
from tokens.keys import keyring, rotation, store
from tokens.keys.rules import lifecycle
from tokens.keys.rules.policy import PRODUCTION
from tokens.keys.rules.timeline import timeline
from tokens.models import AuditEvent, Ring, SigningKey, User

pytestmark = pytest.mark.django_db


def rotate(**options):
    return rotation.rotate(operation(), **options)


@pytest.fixture
def ring():
    rotate()
    keyring.snapshots.forget()
    return Ring.objects.get()


def staff(client, *permissions):
    user = User.objects.create_user("staff", is_staff=True)
    views = ("view_ring", "view_signingkey")
    user.user_permissions.set(Permission.objects.filter(codename__in=(*views, *permissions)))
    client.force_login(user)
    return client


def page(ring, action="change"):
    return f"/admin/tokens/ring/{ring.pk}/{action}/"


def key_page(key, action="change"):
    return f"/admin/tokens/signingkey/{key.pk}/{action}/"


def test_the_ring_is_drawn_with_every_key_its_phase_now_and_the_next_step(client, ring):
    rotate(early=True)
    html = staff(client).get(page(ring)).content.decode()
    for key in SigningKey.objects.all():
        assert f"{key.kid[:12]}…</text>" in html
    assert html.count('<rect class="announced"') == 2
    assert ">now</text>" in html
    assert ">next step</text>" in html
    assert "The last token signed by this key expires at" in html
    assert "Rotate now" not in html, "no button for an administrator who may only view"


def test_no_private_material_is_on_any_page(client, ring):
    key = SigningKey.objects.first()
    for address in (page(ring), key_page(key), "/admin/tokens/signingkey/"):
        html = staff_once(client).get(address).content.decode()
        assert "sealed" not in html
        assert bytes(key.sealed).hex() not in html


def staff_once(client):
    return client if User.objects.filter(username="staff").exists() else staff(client)


def test_rotation_shows_its_consequences_and_then_runs_as_the_command_does(client, ring):
    browser = staff(client, "rotate_key")
    assert "Rotate now (safely)" in browser.get(page(ring)).content.decode()
    confirmation = browser.get(page(ring, "rotate")).content.decode()
    assert "planned the switch, and announced the next standby; switches at" in confirmation
    assert SigningKey.objects.count() == 2, "asking changes nothing"
    assert browser.post(page(ring, "rotate")).status_code == 302
    assert SigningKey.objects.count() == 3
    event = AuditEvent.objects.get(action="key.planned")
    assert event.actor == "user:staff"
    assert "already planned" in browser.get(page(ring, "rotate")).content.decode()
    browser.post(page(ring, "rotate"))
    assert SigningKey.objects.count() == 3, "a second press plans nothing more"


def test_revoking_states_its_consequence_needs_a_reason_and_an_accepted_outage(client, ring):
    browser = staff(client, "revoke_key")
    key = SigningKey.objects.get(signs_at__isnull=False)
    confirmation = browser.get(key_page(key, "revoke")).content.decode()
    assert "new tokens might be refused until" in confirmation
    assert "at the latest" in confirmation
    assert "This field is required" in browser.post(key_page(key, "revoke"), {"reason": ""}).content.decode()
    refused = browser.post(key_page(key, "revoke"), {"reason": "leaked"}, follow=True)
    assert "Nothing was changed: no standby has reached every API yet" in refused.content.decode()
    key.refresh_from_db()
    assert key.revoked_at is None
    browser.post(key_page(key, "revoke"), {"reason": "leaked", "accept_outage": "on"})
    key.refresh_from_db()
    assert (key.revoke_reason, key.revoked_at is None) == ("leaked", False)
    assert AuditEvent.objects.get(action="key.revoked").actor == "user:staff"
    again = browser.get(key_page(key, "revoke"), follow=True).content.decode()
    assert "is not published any more" in again


def test_the_page_announces_a_flush_and_the_picture_shows_it(client, ring):
    browser = staff(client, "revoke_key")
    key = SigningKey.objects.get(signs_at__isnull=False)
    confirmation = browser.get(key_page(key, "revoke")).content.decode()
    assert "until their first token after the flush at" in confirmation
    assert 'class="flush"' not in browser.get(page(ring)).content.decode().replace('<li class="flush"', "")
    standby = SigningKey.objects.get(signs_at=None)
    browser.post(key_page(standby, "revoke"), {"reason": "leaked"})
    flush = SigningKey.objects.get(signs_at__gt=timezone.now())
    html = browser.get(page(ring)).content.decode()
    assert html.count('<path class="flush"') == 1
    assert f"flush at {flush.signs_at:%Y-%m-%d %H:%M:%S}" in html
    assert f"takes over, and flushes {standby.kid}" in html


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("permissions", [(), ("rotate_key",), ("revoke_key",)])
def test_each_button_needs_its_own_permission(client, ring, method, permissions):
    browser, key = staff(client, *permissions), SigningKey.objects.first()
    answers = {
        "rotate_key": getattr(browser, method)(page(ring, "rotate")),
        "revoke_key": getattr(browser, method)(key_page(key, "revoke"), {"reason": "test"}),
    }
    for permission, answer in answers.items():
        assert (answer.status_code == 403) == (permission not in permissions), permission


def test_rows_are_not_changed_through_the_admin(client, ring):
    browser, key = staff(client, "change_signingkey", "delete_signingkey", "change_ring"), SigningKey.objects.first()
    assert browser.post(key_page(key), {"kid": "other"}).status_code == 403
    assert browser.post(key_page(key, "delete"), {"post": "yes"}).status_code == 403
    assert browser.post(page(ring), {"name": "other"}).status_code == 403


def test_a_wrong_encrypting_key_shows_an_error_and_changes_nothing(client, ring, settings):
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    browser = staff(client, "rotate_key")
    html = browser.get(page(ring, "rotate"), follow=True).content.decode()
    assert "Nothing was changed" in html
    assert "KEY_ENCRYPTION_KEYS" in html
    assert SigningKey.objects.count() == 2


def test_an_anonymous_visitor_is_redirected_to_the_login_page(client, ring):
    for address in (page(ring), page(ring, "rotate"), key_page(SigningKey.objects.first(), "revoke")):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"].startswith("/admin/login/")) == (302, True)


def test_bars_lie_within_the_picture_in_the_order_of_a_key_s_life(ring):
    switch = rotate(early=True).at
    keys = [stored.key for stored in store.load("default")]
    now = switch + timedelta(hours=1)
    drawn = picture(timeline(keys, policy=PRODUCTION, now=now), next_step=now + timedelta(days=90), now=now)
    for row in drawn.rows:
        order = [list(lifecycle.Phase).index(bar.phase) for bar in row.bars]
        assert len(order) == len(set(order))
        assert [bar.x for bar in row.bars] == sorted(bar.x for bar in row.bars)
        assert all(bar.x >= LEFT and bar.x + bar.width <= RIGHT + 2 for bar in row.bars)
    assert LEFT < drawn.now_x < drawn.step_x < RIGHT
