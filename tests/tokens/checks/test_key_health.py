"""The system checks of the settings for signing keys.

Each message has the numbers that are compared, and names the setting to change.
"""

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from tokens.clients import client_secret
from tokens.models import Client

ISSUER_DATABASES = ["default"]


def run_key_checks(*, databases=()):
    return [(message.id, message.msg) for message in run_checks(tags=["keys"], databases=databases)]


def test_valid_settings_give_no_message():
    assert run_key_checks() == []


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"KEY_ENCRYPTION_KEYS": []}, "tokens.E301", "KEY_ENCRYPTION_KEYS is empty"),
        ({"KEY_ENCRYPTION_KEYS": ["short"]}, "tokens.E301", "entry 1"),
        ({"KEY_TIMINGS": {"announce": 60}}, "tokens.E302", "announce (0:01:00) is shorter than N + C + T"),
        ({"KEY_TIMINGS": {"shared_cache": 0.5}}, "tokens.E302", "max-age"),
        ({"ACCESS_TOKEN_LIFETIME": timedelta(hours=2)}, "tokens.W304", "is 1:00:00 (token_lifetime), not 2:00:00"),
    ],
)
def test_an_invalid_setting_is_named_with_its_numbers(settings, changes, code, text):
    settings.ISSUER = {**settings.ISSUER, **changes}
    messages = run_key_checks()
    assert [check_id for check_id, _ in messages] == [code]
    assert text in messages[0][1]


@pytest.mark.django_db
def test_a_wrong_encrypting_key_is_an_error_at_start(settings):
    call_command("rotate_keys", verbosity=0)
    assert run_key_checks(databases=ISSUER_DATABASES) == []
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    messages = run_key_checks(databases=ISSUER_DATABASES)
    assert {check_id for check_id, _ in messages} == {"tokens.E303"}
    assert all("KEY_ENCRYPTION_KEYS" in text for _, text in messages)


@pytest.mark.django_db
def test_an_undecryptable_ring_stops_no_command(settings, capsys):
    call_command("rotate_keys", verbosity=0)
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    call_command("client_secret", "list", skip_checks=False)
    assert "there is no secret" in capsys.readouterr().out
    with pytest.raises(SystemCheckError, match=r"tokens\.E303"):
        call_command("check", databases=ISSUER_DATABASES)


@pytest.mark.django_db
def test_client_secrets_under_a_former_encrypting_key_are_reported_at_start(settings):
    call_command("rotate_keys", verbosity=0)
    client_secret.create(Client.objects.create(name="webapp"), now=timezone.now())
    former = settings.ISSUER["KEY_ENCRYPTION_KEYS"]
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43, *former]}
    assert [check_id for check_id, _ in run_key_checks(databases=ISSUER_DATABASES)] == ["tokens.I306"]
    call_command("rotate_keys", rewrap=True, verbosity=0)
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    assert [check_id for check_id, _ in run_key_checks(databases=ISSUER_DATABASES)] == ["tokens.W305"]
