"""The start-up checks about keys: each names the numbers and the setting to change."""

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from tokens.clients import client_secret
from tokens.models import Client

ISSUER_DATABASES = ["default"]


def found(*, databases=()):
    return [(one.id, one.msg) for one in run_checks(tags=["keys"], databases=databases)]


def test_nothing_is_said_while_all_is_well():
    assert found() == []


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
def test_a_setting_that_cannot_be_kept_is_named_with_its_numbers(settings, changes, code, text):
    settings.ISSUER = {**settings.ISSUER, **changes}
    messages = found()
    assert [one for one, _ in messages] == [code]
    assert text in messages[0][1]


@pytest.mark.django_db
def test_an_encrypting_key_that_is_not_what_it_was_is_said_at_start(settings):
    call_command("rotate_keys", verbosity=0)
    assert found(databases=ISSUER_DATABASES) == []
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    messages = found(databases=ISSUER_DATABASES)
    assert {one for one, _ in messages} == {"tokens.E303"}
    assert all("KEY_ENCRYPTION_KEYS" in text for _, text in messages)


@pytest.mark.django_db
def test_a_ring_that_does_not_open_stops_no_command(settings, capsys):
    call_command("rotate_keys", verbosity=0)
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    call_command("client_secret", "list", skip_checks=False)
    assert "there is no secret" in capsys.readouterr().out
    with pytest.raises(SystemCheckError, match=r"tokens\.E303"):
        call_command("check", databases=ISSUER_DATABASES)


@pytest.mark.django_db
def test_client_secrets_that_need_another_encrypting_key_than_the_first_are_said_at_start(settings):
    call_command("rotate_keys", verbosity=0)
    client_secret.create(Client.objects.create(name="webapp"), now=timezone.now())
    former = settings.ISSUER["KEY_ENCRYPTION_KEYS"]
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43, *former]}
    assert [one for one, _ in found(databases=ISSUER_DATABASES)] == ["tokens.I306"]
    call_command("rotate_keys", rewrap=True, verbosity=0)
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    assert [one for one, _ in found(databases=ISSUER_DATABASES)] == ["tokens.W305"]
