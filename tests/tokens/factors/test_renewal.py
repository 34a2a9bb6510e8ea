import secrets

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.management import call_command

from tests.tokens.factories import make_user
from tokens import conf
from tokens.factors import renewal

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    made = make_user()
    TOTP.activate(made, generate_totp_secret())
    return made


def put_first(settings):
    """Put a new encryption key before the present ones in the settings. Return the present ones."""
    present = settings.ISSUER["KEY_ENCRYPTION_KEYS"]
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": [secrets.token_urlsafe(32), *present]}
    return present


def test_secrets_of_an_earlier_key_are_encrypted_under_the_first_and_then_the_old_key_can_go(ada, settings):
    codes = RecoveryCodes.activate(ada).get_unused_codes()
    Authenticator.objects.create(user=ada, type="webauthn", data={"name": "Laptop"})
    assert renewal.renew() == (0, 0)
    put_first(settings)
    assert renewal.renew() == (2, 0)
    assert renewal.renew() == (0, 0)
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": settings.ISSUER["KEY_ENCRYPTION_KEYS"][:1]}
    row = Authenticator.objects.get(user=ada, type="recovery_codes")
    assert RecoveryCodes(row).get_unused_codes() == codes


def test_a_secret_whose_key_is_lost_is_counted_and_kept(ada, settings):
    before = Authenticator.objects.get(user=ada).data
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": [secrets.token_urlsafe(32)]}
    assert renewal.renew() == (0, 1)
    assert Authenticator.objects.get(user=ada).data == before


def test_more_secrets_than_a_batch_are_renewed(settings, monkeypatch):
    monkeypatch.setattr(renewal, "BATCH", 2)
    for number in range(5):
        TOTP.activate(make_user(f"u{number}"), generate_totp_secret())
    put_first(settings)
    assert renewal.renew() == (5, 0)


def test_rotate_keys_rewrap_renews_second_factors(ada, settings, capsys):
    call_command("rotate_keys")
    put_first(settings)
    call_command("rotate_keys", rewrap=True)
    stored = Authenticator.objects.get(user=ada).data["secret"]
    assert stored.split(".")[1] == conf.issuer().encryption_keys()[0].id
    assert "second factors encrypted again: 1" in capsys.readouterr().out
