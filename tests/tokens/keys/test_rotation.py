"""Rotation against a real table: one step at a time, and every step safe."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tokens.conf import issuer
from tokens.encryption import parse
from tokens.keys import lifecycle, signing, store
from tokens.keys.errors import CannotOpen, NotReady
from tokens.keys.policy import PRODUCTION
from tokens.keys.rotation import rotate
from tokens.models import AuditEvent, Ring, SigningKey

pytestmark = pytest.mark.django_db


def run(*, hurry=False, policy=PRODUCTION, keys=None):
    return rotate(policy=policy, encryption_keys=keys or issuer().encryption_keys(), actor="test", hurry=hurry)


def at(instant):
    return patch("tokens.keys.store.database_now", return_value=instant)


def test_the_first_run_makes_a_key_that_signs_and_a_standby():
    assert run().step == "created"
    keys = [one.key for one in store.load("default")]
    now = store.database_now()
    assert sorted(lifecycle.phase(key, keys, now=now) for key in keys) == ["announced", "signing"]
    assert len(signing.published(now=timezone.now())) == 2


def test_a_run_with_nothing_due_writes_nothing():
    run()
    before = list(SigningKey.objects.values())
    assert run().step == "nothing"
    assert list(SigningKey.objects.values()) == before


def test_a_switch_in_a_hurry_still_waits_until_every_api_has_the_standby():
    run()
    standby = SigningKey.objects.get(signs_at=None)
    outcome = run(hurry=True)
    assert outcome.step == "planned"
    assert outcome.kid == standby.kid
    assert outcome.at >= standby.announced_at + PRODUCTION.propagation
    assert run(hurry=True).message == "already planned; switches at"


def test_a_year_of_silence_ends_with_the_long_announced_standby_and_nobody_loses_a_token():
    run()
    first, standby = (
        SigningKey.objects.get(withdraw_at=None, signs_at__isnull=False),
        SigningKey.objects.get(signs_at=None),
    )
    later = standby.announced_at + timedelta(days=365)
    with at(later):
        outcome = run()
    assert (outcome.step, outcome.kid) == ("planned", standby.kid)
    assert later + PRODUCTION.switch <= outcome.at <= later + timedelta(minutes=5)
    first.refresh_from_db()
    assert first.withdraw_at >= outcome.at + PRODUCTION.last_acceptance(first.max_lifetime)
    assert SigningKey.objects.filter(signs_at=None).count() == 1, "the next standby is announced in the same step"


def test_a_wrong_encrypting_key_makes_no_key_and_signs_nothing_but_the_jwks_is_served(settings):
    run()
    kids = {key.kid for key in signing.published(now=timezone.now())}
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    signing.snapshots.forget()
    with pytest.raises(CannotOpen, match="KEY_ENCRYPTION_KEYS"):
        run(hurry=True, keys=parse(["Z" * 43]))
    with pytest.raises(NotReady, match="KEY_ENCRYPTION_KEYS"):
        signing.signer(now=timezone.now())
    assert {key.kid for key in signing.published(now=timezone.now())} == kids
    assert SigningKey.objects.count() == 2


def test_a_public_key_written_into_the_table_by_hand_is_never_published():
    run()
    standby = SigningKey.objects.get(signs_at=None)
    forged = {**standby.public_jwk, "n": standby.public_jwk["n"][:-4] + "AAAA"}
    SigningKey.objects.filter(pk=standby.pk).update(public_jwk=forged)
    assert standby.kid not in {key.kid for key in signing.published(now=timezone.now())}


def test_a_date_changed_by_hand_takes_the_key_out_of_use():
    run()
    first = SigningKey.objects.get(signs_at__isnull=False)
    SigningKey.objects.filter(pk=first.pk).update(max_lifetime=timedelta(days=400))
    with pytest.raises(NotReady):
        signing.signer(now=timezone.now())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tokens_signingkey",
        "DELETE FROM tokens_ring",
        "UPDATE tokens_signingkey SET kid = 'other'",
        "UPDATE tokens_ring SET algorithm = 'none'",
        "UPDATE tokens_signingkey SET signs_at = '1999-01-01 00:00:00' WHERE signs_at IS NULL",
        "UPDATE tokens_signingkey SET signs_at = NULL",
    ],
)
def test_the_database_itself_refuses(statement):
    run()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_step_is_in_the_audit_trail():
    outcome = run()
    event = AuditEvent.objects.get(action="key.created")
    assert (event.actor, event.subject) == ("test", f"key:{outcome.kid}")


def test_a_raised_policy_is_adopted_at_once_and_a_lowered_one_is_not():
    run()
    longer = timedelta(hours=30)
    run(policy=type(PRODUCTION)(**{**{f: getattr(PRODUCTION, f) for f in PRODUCTION.__slots__}, "api_copy": longer}))
    assert Ring.objects.get().policy["api_copy"] == longer.total_seconds()
    run()
    assert Ring.objects.get().policy["api_copy"] == longer.total_seconds()
