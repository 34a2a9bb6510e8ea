"""A signing key whose database row does not verify is neither used nor published."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.steps import at, forged_row, problems, run
from tokens.encryption import parse
from tokens.keys import keyring, publication, ring_reader, store
from tokens.keys.clock import ZERO, Reading
from tokens.keys.errors import CannotOpen, NotReady
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


def test_a_wrong_encrypting_key_makes_no_key_and_signs_nothing_but_the_jwks_is_served(settings):
    run()
    kids = {key.kid for key in publication.published(now=timezone.now())}
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    keyring.snapshots.forget()
    with pytest.raises(CannotOpen, match="KEY_ENCRYPTION_KEYS"):
        run(early=True, keys=parse(["Z" * 43]))
    with pytest.raises(NotReady, match="KEY_ENCRYPTION_KEYS"):
        keyring.signer(now=timezone.now())
    assert {key.kid for key in publication.published(now=timezone.now())} == kids
    assert SigningKey.objects.count() == 2


def test_a_snapshot_is_as_old_as_the_beginning_of_its_reading(monkeypatch):
    """The reading begins at 100 s of the monotonic clock. The clocks are read at 107 s, after the keys."""
    run()
    database = datetime(2030, 1, 1, tzinfo=UTC)
    node, seven = database + timedelta(seconds=1), timedelta(seconds=7)
    reading = Reading(database=database, node=node, monotonic=107.0, skew=ZERO, took=ZERO)
    monkeypatch.setattr(ring_reader, "time", SimpleNamespace(monotonic=lambda: 100.0))
    monkeypatch.setattr(ring_reader, "clock", SimpleNamespace(read=lambda: reading))
    snapshot = ring_reader.read("default")
    times = snapshot.clock_time, snapshot.wall_time, snapshot.monotonic
    assert times == (database - seven, node - seven, 100.0)


def test_a_public_key_written_into_the_table_by_hand_is_never_published():
    run()
    standby = SigningKey.objects.get(signs_at=None)
    forged = {**standby.public_jwk, "n": standby.public_jwk["n"][:-4] + "AAAA"}
    by_hand(SigningKey.objects.filter(pk=standby.pk), public_jwk=forged)
    assert standby.kid not in {key.kid for key in publication.published(now=timezone.now())}


def test_a_date_changed_by_hand_takes_the_key_out_of_use():
    run()
    first = SigningKey.objects.get(signs_at__isnull=False)
    by_hand(SigningKey.objects.filter(pk=first.pk), max_lifetime=timedelta(days=400))
    with pytest.raises(NotReady):
        keyring.signer(now=timezone.now())


def test_an_attacker_who_writes_into_the_table_publishes_nothing_even_in_a_process_that_just_started():
    run()
    kids = {key.kid for key in publication.published(now=timezone.now())}
    by_hand(SigningKey.objects.all(), encryption_key_id="0" * 8)
    forged = forged_row()
    keyring.snapshots.forget()
    assert {key.kid for key in publication.published(now=timezone.now())} == kids, (
        "what SECRET_KEY vouches for, and no more"
    )
    assert forged not in kids
    with pytest.raises(NotReady, match="lacks 00000000"):
        keyring.signer(now=timezone.now())
    assert {problem.code for problem in problems()} >= {"not_genuine", "cannot_open"}


def test_if_only_one_of_the_encrypting_keys_is_left_every_public_half_is_published(settings):
    """All public keys stay published, so valid tokens can still be verified.

    But nothing is signed, because the signing key cannot be decrypted. No other key signs in its place. The error names
    the encryption key that is missing.
    """
    first, second = settings.ISSUER["KEY_ENCRYPTION_KEYS"][0], "N" * 43
    run()
    with at(run(early=True, keys=parse([second, first])).at + timedelta(days=1)):
        run(early=True, keys=parse([second, first]))
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": [second]}
    keyring.snapshots.forget()
    assert len(publication.published(now=timezone.now())) == SigningKey.objects.count() == 4
    with pytest.raises(NotReady, match=f"lacks {parse([first])[0].id}"):
        keyring.signer(now=timezone.now())


def test_if_no_row_verifies_the_jwks_is_refused_and_not_empty(client, settings, caplog):
    run()
    by_hand(SigningKey.objects.all(), max_lifetime=timedelta(days=400))
    keyring.snapshots.forget()
    response = client.get("/.well-known/jwks.json")
    assert (response.status_code, response["Cache-Control"]) == (503, "no-store")
    assert "no row of the ring" in caplog.text


def test_a_row_that_was_changed_to_look_revoked_is_reported():
    run()
    now = store.database_now()
    by_hand(SigningKey.objects.filter(signs_at=None), sealed=None, private_destroyed_at=now, revoked_at=now)
    assert "not_genuine" in {problem.code for problem in problems()}
