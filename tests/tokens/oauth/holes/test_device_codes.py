"""Hole 13, and of 6 what is a device's: codes that never end."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django.utils.datastructures import MultiValueDictKeyError
from oauth2_provider.models import clear_expired, get_device_grant_model

from tests.tokens.conftest import log_in, make_client, post
from tests.tokens.oauth.holes import toolkit
from tests.tokens.oauth.holes.toolkit import DEVICE
from tokens.models import DeviceCode, UserGrant
from tokens.oauth import revocation_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def tv(apis):
    return make_client("tv", DEVICE, public=True)


def plain_device(status="authorization-pending", **fields):
    """A device code of the plain toolkit's that ended a year ago."""
    past = timezone.now() - timedelta(days=365)
    kept = {"device_code": "d", "user_code": "u", "client_id": "tv", "expires": past, "scope": "notes:read"}
    get_device_grant_model().objects.create(status=status, **kept, **fields)


def plain_poll():
    return toolkit.token({"grant_type": DEVICE, "device_code": "d", "client_id": "tv"})


@pytest.fixture
def waiting(client, tv, signer):
    """The answer that a device waits with."""
    return post(client, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()


@pytest.fixture
def allowed(client, user, waiting):
    """A device code that its user allowed."""
    log_in(client, user)
    page = client.post("/oauth/device/verify", {"user_code": waiting["user_code"]})
    shown = page.context["shown"]
    answer = client.post("/oauth/device/verify", {"user_code": waiting["user_code"], "shown": shown, "allow": "true"})
    assert "The device is connected" in answer.content.decode()
    return waiting["device_code"]


def poll(browser, code):
    answer = post(browser, "/oauth/token", {"grant_type": DEVICE, "device_code": code, "client_id": "tv"})
    return answer.status_code, answer.json().get("error")


def test_13_plain_a_code_never_expires_and_nobody_is_slowed_down(plain, tv):
    plain_device()
    assert {toolkit.body(plain_poll())["error"] for _ in range(3)} == {"authorization_pending"}


def test_13_here_it_expires_and_who_asks_too_soon_is_slowed_down(client, waiting):
    code = waiting["device_code"]
    assert [poll(client, code), poll(client, code)] == [(400, "authorization_pending"), (400, "slow_down")]
    DeviceCode.objects.update(expires_at=timezone.now())
    assert poll(client, code) == (400, "expired_token")


def test_13_plain_a_code_that_was_allowed_gives_tokens_as_often_as_it_is_asked(plain, tv, user):
    plain_device("authorized", user=user)
    given = [plain_poll() for _ in range(2)]
    assert [answer.status_code for answer in given] == [200, 200]
    assert len({toolkit.body(answer)["access_token"] for answer in given}) == 2


def test_13_here_it_gives_them_once_and_whoever_asks_again_ends_them(client, allowed):
    assert [poll(client, allowed), poll(client, allowed)] == [(200, None), (400, "invalid_grant")]
    assert UserGrant.objects.get().revoke_reason == "device code used twice"


def test_13_plain_a_request_without_a_code_is_an_error_500(plain):
    with pytest.raises(MultiValueDictKeyError):
        toolkit.token({"grant_type": DEVICE})


def test_13_here_it_is_an_invalid_request(client, tv):
    missing = post(client, "/oauth/token", {"grant_type": DEVICE, "client_id": "tv"})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("status", ["authorization-pending", "authorized", "denied", "expired"])
def test_13_plain_its_row_stays_for_ever(plain, tv, status):
    plain_device(status)
    clear_expired()
    assert get_device_grant_model().objects.count() == 1


@pytest.mark.parametrize("state", ["waiting", "allowed", "refused", "redeemed"])
def test_13_here_its_row_goes(client, request, waiting, state):
    if state in {"allowed", "redeemed"}:
        request.getfixturevalue("allowed")
    now, old = timezone.now(), timezone.now() - revocation_record.lasting() - timedelta(days=365)
    DeviceCode.objects.update(
        expires_at=old,
        refused_at=now if state == "refused" else None,
        redeemed_at=now if state == "redeemed" else None,
    )
    UserGrant.objects.update(ends_at=old)
    call_command("purge_tokens", "--json")
    assert not DeviceCode.objects.exists()


# 6: a deactivated user


def test_6_plain_a_deactivated_user_s_device_gets_tokens(plain, tv, user):
    type(user).objects.update(is_active=False)
    plain_device("authorized", user=user)
    assert plain_poll().status_code == 200


def test_6_here_it_gets_none(client, allowed, user):
    type(user).objects.update(is_active=False)
    assert poll(client, allowed) == (400, "invalid_grant")
