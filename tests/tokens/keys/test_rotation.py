"""Key rotation in a real database: a run of `rotate_keys` takes one step, and every step is safe."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from tests.clock import node_at
from tests.tokens.factories import operation
from tests.tokens.keys.steps import at, forged_row, other, run
from tokens.conf import issuer
from tokens.keys import keyring, private_keys, publication, store
from tokens.keys.errors import CannotOpen, NotReady
from tokens.keys.revocation import revoke
from tokens.keys.rules import lifecycle
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import AuditEvent, Ring, SigningKey

pytestmark = pytest.mark.django_db


def test_the_first_run_makes_a_key_that_signs_and_a_standby():
    assert run().step == "created"
    keys = [row.key for row in store.load("default")]
    now = store.database_now()
    assert sorted(lifecycle.phase(key, keys, now=now) for key in keys) == ["announced", "signing"]
    assert len(publication.published(now=timezone.now())) == 2


def test_a_run_with_nothing_due_writes_nothing():
    run()
    before = list(SigningKey.objects.values())
    assert run().step == "nothing"
    assert list(SigningKey.objects.values()) == before


def test_an_early_switch_still_waits_until_every_api_has_the_standby():
    run()
    standby = SigningKey.objects.get(signs_at=None)
    outcome = run(early=True)
    assert outcome.step == "planned"
    assert outcome.kid == standby.kid
    assert outcome.at >= standby.announced_at + PRODUCTION.propagation
    assert run(early=True).message == "already planned; switches at"


def test_a_plan_says_from_when_every_process_shows_the_new_standby():
    """Nodes publish from snapshots, whose age they measure by clocks that can be wrong by clock_error."""
    run()
    outcome = run(early=True)
    announced_at = SigningKey.objects.get(kid=outcome.announced).announced_at
    assert outcome.shown_from == announced_at + PRODUCTION.snapshot_age + PRODUCTION.clock_error


def test_a_rotation_after_a_year_without_one_plans_the_standby_and_every_token_stays_valid():
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


def test_every_step_is_in_the_audit_trail():
    outcome = run()
    event = AuditEvent.objects.get(action="key.created")
    assert (event.actor, event.subject) == ("test", f"key:{outcome.kid}")


def test_the_private_half_is_destroyed_once_no_node_can_sign_with_it_and_the_row_still_verifies():
    run()
    switch = run(early=True).at
    old = SigningKey.objects.exclude(withdraw_at=None).get()
    with at(switch + PRODUCTION.last_signature - timedelta(seconds=1)):
        assert run().step == "nothing"
    with at(switch + PRODUCTION.last_signature):
        assert (run().step, run().step) == ("destroyed", "nothing")
        assert old.kid in {key.kid for key in lifecycle.published([o.key for o in store.load("default")], now=switch)}
    old.refresh_from_db()
    assert old.sealed is None
    assert all(row.verifies(issuer().encryption_keys()) for row in store.load("default"))


def test_a_dry_run_says_what_would_happen_then_and_changes_nothing():
    run()
    before = list(SigningKey.objects.values()), list(Ring.objects.values()), AuditEvent.objects.count()
    then = store.database_now() + timedelta(days=100)
    assert run(dry_run=True).step == "nothing"
    outcome = run(dry_run=True, at=then)
    assert (outcome.step, outcome.at > then) == ("planned", True)
    assert (list(SigningKey.objects.values()), list(Ring.objects.values()), AuditEvent.objects.count()) == before


def test_a_private_half_that_is_not_the_row_s_own_fails_its_probe_and_nothing_is_planned():
    run()
    with patch("tokens.keys.proof.verifies", return_value=False), pytest.raises(CannotOpen, match="does not belong"):
        run(early=True)
    assert SigningKey.objects.count() == 2


def test_a_key_can_be_revoked_beside_a_forged_row():
    run()
    forged, leaked = forged_row(), SigningKey.objects.get(signs_at=None).kid
    with pytest.raises(CannotOpen):
        run(early=True)
    done = revoke(operation(store.database_now()), leaked, reason="leaked")
    assert done.kids == (leaked,)
    assert SigningKey.objects.get(kid=forged).revoked_at is None


def test_a_withdrawn_key_is_never_published_again():
    run()
    planned = run(early=True)
    old = SigningKey.objects.get(withdraw_at__isnull=False)
    with at(old.withdraw_at + timedelta(seconds=1)):
        run()
        run(early=True, policy=other(keep=86_400 * 60))
    assert SigningKey.objects.get(kid=old.kid).withdraw_at == old.withdraw_at
    assert SigningKey.objects.get(kid=planned.kid).withdraw_at


def test_a_retired_half_is_destroyed_although_a_switch_is_planned():
    run()
    first = run(early=True)
    with at(first.at + PRODUCTION.last_signature):
        assert run(early=True).step == "planned"
        assert run().step == "destroyed"


def test_a_node_whose_clock_is_off_signs_nothing_and_publishes_still():
    run()
    keyring.snapshots.forget()
    wrong = timezone.now() + timedelta(seconds=90)
    with node_at(wrong):
        now = keyring.carried_clock(now=wrong)
        with pytest.raises(NotReady, match="synchronise"):
            keyring.signer(now=now)
        assert len(publication.published(now=now)) == 2


def test_two_switches_within_one_token_lifetime_leave_every_token_verifiable():
    """A token of the first key still verifies after two more keys have started to sign."""
    run()
    long = replace(PRODUCTION, token_lifetime=timedelta(days=30), rotate_every=timedelta(days=3))
    assert run(policy=long).step == "lengthened"
    start = store.database_now()
    signer = SigningKey.objects.get(signs_at__lte=start).kid
    for _ in range(2):
        with at(start):
            start = run(policy=long, early=True).at + timedelta(seconds=1)
    with at(start):
        keys = [row.key for row in store.load("default")]
        assert lifecycle.signer(keys, now=start).kid != signer
        dies = start + timedelta(days=30) - timedelta(days=6)
        assert signer in {key.kid for key in lifecycle.published(keys, now=dies)}
    assert SigningKey.objects.count() == 4


def test_a_new_key_in_the_same_second_as_an_outage_refuses_no_valid_token():
    """A switch to the standby key is planned, and the database fails in the same second.

    The outage is longer than `snapshot_age`. Nodes that have not read the plan sign with the old key until their
    snapshot is too old, and then refuse to sign. The planned key starts only after that. It was published before the
    outage.
    """
    run()
    old = keyring.snapshots.get("default", now=timezone.now())
    before = {key.kid for key in publication.published(now=timezone.now())}
    planned = run(early=True)
    now = timezone.now()
    with patch.object(keyring.Snapshots, "_reread", return_value=old):
        late = now + PRODUCTION.snapshot_age - timedelta(seconds=5)
        assert {key.kid for key in publication.published(now=late)} == before
        assert keyring.signer(now=now).kid in before
        with pytest.raises(NotReady):
            keyring.signer(now=now + PRODUCTION.snapshot_age + timedelta(seconds=2))
    assert planned.kid in before, "the key that will sign was published before the outage"
    assert planned.at > now + PRODUCTION.snapshot_age, "and signs only after nobody signs from an older snapshot"


def test_no_key_is_created_whose_kid_a_command_would_read_as_an_option():
    made = [private_keys.Database().generate("ES256", bits=None) for _ in range(400)]
    dashed = next(pair for pair in made if pair.kid.startswith("-"))
    plain, other_plain, *_ = (pair for pair in made if not pair.kid.startswith("-"))
    with patch.object(private_keys.Database, "generate", side_effect=[dashed, plain, dashed, other_plain]):
        run()
    assert dashed.kid not in set(SigningKey.objects.values_list("kid", flat=True))
