"""The signed proof of what the device page displayed to a user, and the requests that a user can answer (RFC 8628)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.tokens.factories import API, make_client, post
from tokens.grants import device_answer
from tokens.issued.audience import Target
from tokens.models import Client, DeviceCode, GrantType, User

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODE, USER = DeviceCode(pk="one"), User(pk=1)
TARGET = Target(audience=API, scopes=("notes:read",), api=None)
TEN_MINUTES = timedelta(minutes=10)


def is_accepted(*, code=CODE, user=USER, target=TARGET, after=timedelta(0)):
    """Return True if a seal for CODE, USER and TARGET is accepted for these values, `after` this time."""
    sealed = device_answer.seal(CODE, USER, TARGET, now=NOW)
    return device_answer.was_displayed(sealed, code, user, target, now=NOW + after)


def test_the_user_who_saw_the_page_can_answer_for_ten_minutes():
    assert is_accepted(after=TEN_MINUTES)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"user": User(pk=2)}, id="by another user"),
        pytest.param({"code": DeviceCode(pk="two")}, id="for another request"),
        pytest.param({"target": replace(TARGET, scopes=("notes:read", "notes:write"))}, id="with another scope"),
        pytest.param({"after": TEN_MINUTES + timedelta(seconds=1)}, id="after more than ten minutes"),
    ],
)
def test_a_replayed_seal_is_refused(changes):
    assert not is_accepted(**changes)


@pytest.mark.django_db
def test_a_user_cannot_answer_the_request_of_a_client_that_was_disabled_afterwards(client, apis, signer):
    make_client("tv", GrantType.DEVICE_CODE.value, public=True)
    user_code = post(client, "/oauth/device", {"client_id": "tv", "scope": "notes:read"}).json()["user_code"]
    assert device_answer.waiting(user_code, now=timezone.now()) is not None
    Client.objects.update(is_active=False)
    assert device_answer.waiting(user_code, now=timezone.now()) is None
