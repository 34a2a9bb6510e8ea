"""A device code expires, is redeemed once, and is redeemed only for an active user (RFC 8628)."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.tokens.factories import log_in, make_client, post
from tests.tokens.hardening.forms import DEVICE
from tokens.issued import one_time, revocation_record
from tokens.models import DeviceCode, UserGrant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tv(apis):
    return make_client("tv", DEVICE, public=True)


@pytest.fixture
def waiting(client, tv, signer):
    """Send a device authorization request, and return its answer. The user has not answered the request yet."""
    return post(client, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()


@pytest.fixture
def allowed(client, user, waiting):
    """Return a device code after the user has allowed the device."""
    log_in(client, user)
    page = client.post("/oauth/device/verify", {"user_code": waiting["user_code"]})
    shown = page.context["shown"]
    answer = client.post("/oauth/device/verify", {"user_code": waiting["user_code"], "shown": shown, "allow": "true"})
    assert "The device is connected" in answer.content.decode()
    return waiting["device_code"]


def poll(browser, code):
    answer = post(browser, "/oauth/token", {"grant_type": DEVICE, "device_code": code, "client_id": "tv"})
    return answer.status_code, answer.json().get("error")


def test_a_device_code_expires_and_polling_too_soon_is_slowed_down(client, waiting):
    code = waiting["device_code"]
    assert [poll(client, code), poll(client, code)] == [(400, "authorization_pending"), (400, "slow_down")]
    DeviceCode.objects.update(expires_at=timezone.now())
    assert poll(client, code) == (400, "expired_token")


def test_a_device_code_is_redeemed_once_and_reuse_revokes_the_grant(client, allowed):
    assert [poll(client, allowed), poll(client, allowed)] == [(200, None), (400, "invalid_grant")]
    assert UserGrant.objects.get().revoked_at is None, "a repeat at once"
    DeviceCode.objects.update(redeemed_at=timezone.now() - one_time.RETRY_WINDOW - timedelta(seconds=1))
    assert poll(client, allowed) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "device code used twice"


def test_a_poll_without_a_device_code_is_an_invalid_request(client, tv):
    missing = post(client, "/oauth/token", {"grant_type": DEVICE, "client_id": "tv"})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("state", ["waiting", "allowed", "refused", "redeemed"])
def test_an_expired_device_code_is_purged(client, request, waiting, state):
    if state in {"allowed", "redeemed"}:
        request.getfixturevalue("allowed")
    now, old = timezone.now(), timezone.now() - revocation_record.acceptance_after_issue() - timedelta(days=365)
    DeviceCode.objects.update(
        expires_at=old,
        refused_at=now if state == "refused" else None,
        redeemed_at=now if state == "redeemed" else None,
    )
    UserGrant.objects.update(ends_at=old)
    call_command("purge_tokens", "--json")
    assert not DeviceCode.objects.exists()


# a disabled user


def test_a_disabled_users_device_gets_no_tokens(client, allowed, user):
    type(user).objects.update(is_active=False)
    assert poll(client, allowed) == (400, "invalid_grant")
