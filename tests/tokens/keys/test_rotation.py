"""Rotation in a real database: a run takes one step, and every step is safe."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tokens.checks import key_health
from tokens.conf import issuer
from tokens.encryption import parse
from tokens.keys import adoption, keyring, keystore, publication, store
from tokens.keys.cancellation import cancel
from tokens.keys.errors import CannotOpen, NotReady, UnknownKey, Unsafe
from tokens.keys.revocation import revoke
from tokens.keys.rewrap import rewrap
from tokens.keys.rotation import rotate
from tokens.keys.rules import lifecycle
from tokens.keys.rules.policy import DEVELOPMENT, PRODUCTION, changed
from tokens.models import AuditEvent, Ring, SigningKey

pytestmark = pytest.mark.django_db


def run(*, early=False, policy=PRODUCTION, keys=None, **options):
    changes = {"encryption_keys": keys} if keys else {}
    return rotate(operation(store.database_now(), policy=policy, **changes), early=early, **options)


def at(instant):
    return patch("tokens.keys.store.database_now", return_value=instant)


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
    kids = {key.kid for key in publication.published(now=timezone.now())}
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    keyring.snapshots.forget()
    with pytest.raises(CannotOpen, match="KEY_ENCRYPTION_KEYS"):
        run(early=True, keys=parse(["Z" * 43]))
    with pytest.raises(NotReady, match="KEY_ENCRYPTION_KEYS"):
        keyring.signer(now=timezone.now())
    assert {key.kid for key in publication.published(now=timezone.now())} == kids
    assert SigningKey.objects.count() == 2


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


def test_every_step_is_in_the_audit_trail():
    outcome = run()
    event = AuditEvent.objects.get(action="key.created")
    assert (event.actor, event.subject) == ("test", f"key:{outcome.kid}")


def other(**changes):
    return replace(PRODUCTION, **{name: timedelta(seconds=value) for name, value in changes.items()})


def test_a_raised_timing_counts_at_once_and_a_lowered_one_after_the_old_has_run_out():
    run()
    long = other(shared_cache=3600)
    assert run(policy=long).step == "nothing"
    ring = Ring.objects.get()
    assert (adoption.obeyed(ring), adoption.assumed(ring)) == (long, long)
    run()
    ring.refresh_from_db()
    assert adoption.obeyed(ring) == PRODUCTION, "nodes obey a lowered number as soon as they read it"
    assert adoption.assumed(ring) == long, "plans do not"
    assert ring.assumed_until >= ring.keys.first().announced_at + long.settles
    for left, plans in ((timedelta(seconds=60), long), (timedelta(0), PRODUCTION)):
        by_hand(Ring.objects.all(), assumed_until=store.database_now() + left)  # the database's own clock counts
        run()
        ring.refresh_from_db()
        assert adoption.assumed(ring) == plans


def test_a_longer_token_lifetime_is_kept_with_every_key_that_may_sign_before_it_is_used():
    run()
    run(early=True)
    before = {key.kid: key.withdraw_at for key in SigningKey.objects.all()}
    outcome = run(policy=other(token_lifetime=86_400 * 30))
    assert outcome.step == "lengthened"
    for key in SigningKey.objects.all():
        assert key.max_lifetime == timedelta(days=30)
        if before[key.kid]:
            assert key.withdraw_at >= before[key.kid] + timedelta(days=20)
    assert run(policy=other(token_lifetime=86_400 * 30)).message.startswith("already planned")


def test_a_planned_start_moves_later_when_a_timing_it_rests_on_is_raised():
    run()
    planned = run(early=True)
    run(policy=other(api_copy=86_400 + 3600, announce=172_800))
    standby = SigningKey.objects.get(kid=planned.kid)
    assert standby.signs_at == planned.at + timedelta(hours=1)


def test_a_policy_that_cannot_be_kept_is_refused_with_its_numbers():
    run()
    with pytest.raises(Unsafe, match=r"announce \(0:01:00\) is shorter than N \+ C \+ T"):
        run(policy=other(announce=60))
    assert adoption.obeyed(Ring.objects.get()) == PRODUCTION


@pytest.mark.parametrize("skew", [61, -61])
def test_a_node_whose_clock_is_off_plans_nothing(skew):
    run()
    node = store.database_now() + timedelta(seconds=skew)
    with (
        patch("tokens.keys.clock.timezone.now", return_value=node),
        pytest.raises(Unsafe, match="synchronise the clocks"),
    ):
        rotate(operation(node), early=True)
    assert SigningKey.objects.count() == 2


def test_a_process_that_was_suspended_before_it_compared_the_clocks_can_plan():
    """Its clock is right, though it was read a minute before the database's."""
    run()
    assert rotate(operation(store.database_now() - timedelta(seconds=61)), early=True).step == "planned"


def test_a_step_that_took_too_long_is_not_done():
    run()
    start = store.database_now()
    clock = iter([start, start, start + timedelta(seconds=61)])
    with patch("tokens.keys.store.database_now", side_effect=clock), pytest.raises(Unsafe, match="took 61") as refused:
        rotate(operation(start), early=True)
    assert SigningKey.objects.count() == 2
    assert str(refused.value).endswith("clock_error (δ) is 60 s; nothing was done, run it again")


def test_a_development_ring_names_the_timings_that_let_it_keep_its_dates_on_a_loaded_machine():
    run(policy=DEVELOPMENT)
    start = store.database_now()
    slow = [start, start, start + timedelta(seconds=1.4)]
    with patch("tokens.keys.store.database_now", side_effect=iter(slow)), pytest.raises(Unsafe) as refused:
        rotate(operation(start, policy=DEVELOPMENT), early=True)
    said, _, timings = str(refused.value).partition(" set KEY_TIMINGS=")
    assert "took 1.4 s, too long to keep its dates: clock_error (δ) is 1 s; nothing was done" in said
    assert timings == "clock_error=3,announce=24"
    wider = changed(DEVELOPMENT, {name: float(value) for name, value in (one.split("=") for one in timings.split(","))})
    run(policy=wider)  # adopts them
    start = store.database_now()
    slow = iter([start, start, start + timedelta(seconds=1.4)])
    with patch("tokens.keys.store.database_now", side_effect=slow):
        assert rotate(operation(start, policy=wider), early=True).step == "planned"


def test_a_development_step_within_the_clock_error_is_done():
    run(policy=DEVELOPMENT)
    start = store.database_now()
    clock = iter([start, start, start + timedelta(seconds=1)])
    with patch("tokens.keys.store.database_now", side_effect=clock):
        assert rotate(operation(start, policy=DEVELOPMENT), early=True).step == "planned"


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


def test_a_dry_run_at_a_time_when_lowered_timings_count_says_what_would_happen_then():
    run(policy=other(shared_cache=3600))
    run()
    until = Ring.objects.get().assumed_until
    assert run(dry_run=True, at=until + timedelta(days=100)).step == "planned"
    assert Ring.objects.get().assumed_until == until


def test_rewrapping_seals_every_row_under_the_first_encrypting_key():
    run()
    old, new = issuer().encryption_keys()[0], parse(["N" * 43])[0]
    assert rewrap(operation(encryption_keys=(new, old))).step == "rewrapped"
    assert all(row.verifies([new]) and row.open([new]) for row in store.load("default"))
    assert rewrap(operation(encryption_keys=(new,))).step == "nothing"
    with pytest.raises(CannotOpen):
        rewrap(operation(encryption_keys=(old,)))


def test_a_private_half_that_is_not_the_row_s_own_fails_its_probe_and_nothing_is_planned():
    run()
    with patch("tokens.keys.proof.verifies", return_value=False), pytest.raises(CannotOpen, match="does not belong"):
        run(early=True)
    assert SigningKey.objects.count() == 2


def forged_row():
    """Write a retired key without knowing a secret, as an attacker with access to the database can."""
    forged = SigningKey.objects.get(signs_at__isnull=False)
    pair = keystore.keystore("database").generate("RS256", bits=None)
    forged.pk, forged.kid, forged.public_jwk = None, pair.kid, pair.jwk
    forged.withdraw_at = store.database_now() + timedelta(days=9)
    forged.encryption_key_id = "0" * 8
    forged.save(force_insert=True)
    return pair.kid


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


def problems():
    return key_health.check(policy=PRODUCTION, encryption_keys=issuer().encryption_keys(), now=store.database_now())


def test_if_only_one_of_the_encrypting_keys_is_left_every_public_half_is_published(settings):
    """Valid tokens stay verifiable. The error names the key that does not open, and no other signs in its place."""
    first, second = settings.ISSUER["KEY_ENCRYPTION_KEYS"][0], "N" * 43
    run()
    with at(run(early=True, keys=parse([second, first])).at + timedelta(days=1)):
        run(early=True, keys=parse([second, first]))
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": [second]}
    keyring.snapshots.forget()
    assert len(publication.published(now=timezone.now())) == SigningKey.objects.count() == 4
    with pytest.raises(NotReady, match=f"lacks {parse([first])[0].id}"):
        keyring.signer(now=timezone.now())


def test_with_another_secret_key_the_encrypting_keys_vouch_alone_until_a_rewrap(settings):
    run()
    settings.SECRET_KEY = "another" * 9
    keyring.snapshots.forget()
    assert keyring.signer(now=timezone.now())
    assert {problem.code for problem in problems()} == {"not_vouched"}
    assert rewrap(operation()).step == "rewrapped"
    assert problems() == []


def test_if_no_row_verifies_the_jwks_is_refused_and_not_empty(client, settings):
    run()
    by_hand(SigningKey.objects.all(), max_lifetime=timedelta(days=400))
    keyring.snapshots.forget()
    response = client.get("/.well-known/jwks.json")
    assert (response.status_code, response["Cache-Control"]) == (503, "no-store")
    assert "no row of the ring" in response.content.decode()


def test_a_key_can_be_revoked_beside_a_forged_row():
    run()
    forged, leaked = forged_row(), SigningKey.objects.get(signs_at=None).kid
    with pytest.raises(CannotOpen):
        run(early=True)
    done = revoke(operation(store.database_now()), leaked, reason="leaked")
    assert done.kids == (leaked,)
    assert SigningKey.objects.get(kid=forged).revoked_at is None


def test_a_row_that_was_changed_to_look_revoked_is_reported():
    run()
    now = store.database_now()
    by_hand(SigningKey.objects.filter(signs_at=None), sealed=None, private_destroyed_at=now, revoked_at=now)
    assert "not_genuine" in {problem.code for problem in problems()}


def test_longer_timings_count_before_the_next_step_which_can_be_a_revocation():
    """After a raised timing, the planned key starts as late as that timing requires."""
    run()
    planned = run(early=True)
    long = other(shared_cache=3600)
    standby = SigningKey.objects.get(signs_at=None).kid
    revoke(operation(store.database_now(), policy=long), standby, reason="leaked")
    key = SigningKey.objects.get(kid=planned.kid)
    assert key.signs_at >= key.announced_at + long.propagation
    assert AuditEvent.objects.filter(action="key.lengthened").exists()
    event = AuditEvent.objects.get(action="ring.policy_adopted")
    assert event.details["timings"]["before"]["obeyed"]["shared_cache"] == 300
    assert event.details["timings"]["after"]["obeyed"]["shared_cache"] == 3600


def test_a_policy_that_cannot_be_kept_leaves_no_ring_behind():
    with pytest.raises(Unsafe):
        run(policy=other(announce=60))
    assert not Ring.objects.exists()


def test_a_withdrawn_key_never_comes_back():
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


def test_the_message_says_that_changed_timings_were_adopted():
    run()
    assert run(policy=other(keep=86_400 * 30)).message.startswith("adopted changed timings; nothing due")


def test_a_node_whose_clock_is_off_signs_nothing_and_publishes_still():
    run()
    keyring.snapshots.forget()
    wrong = timezone.now() + timedelta(seconds=90)
    with patch("tokens.keys.clock.timezone.now", return_value=wrong):
        now = keyring.carried_clock(now=wrong)
        with pytest.raises(NotReady, match="synchronise"):
            keyring.signer(now=now)
        assert len(publication.published(now=now)) == 2


def cancel_key(kid):
    return cancel(operation(store.database_now()), kid)


def test_a_cancelled_standby_is_replaced_at_once_and_never_published_again():
    run()
    standby = SigningKey.objects.get(signs_at=None)
    assert cancel_key(standby.kid).step == "cancelled"
    standby.refresh_from_db()
    assert (standby.sealed, standby.cancelled_at is None) == (None, False)
    keyring.snapshots.forget()
    assert standby.kid not in {key.kid for key in publication.published(now=timezone.now())}
    assert SigningKey.objects.filter(signs_at=None, cancelled_at=None).count() == 1
    assert AuditEvent.objects.filter(action="key.cancelled", subject=f"key:{standby.kid}").exists()


def test_if_a_planned_key_is_cancelled_the_standby_takes_its_place_as_safely():
    run()
    planned = run(early=True).kid
    outcome = cancel_key(planned)
    successor = SigningKey.objects.get(kid=outcome.kid)
    assert outcome.at == successor.signs_at >= successor.announced_at + PRODUCTION.propagation
    first = SigningKey.objects.get(cancelled_at=None, withdraw_at__isnull=False)
    assert first.withdraw_at >= outcome.at + PRODUCTION.last_acceptance(first.max_lifetime)
    assert keyring.signer(now=timezone.now()).kid == first.kid


def test_a_key_that_signs_in_a_moment_or_has_signed_is_not_cancelled():
    run()
    first = SigningKey.objects.get(signs_at__isnull=False)
    with pytest.raises(UnknownKey, match="is not announced"):
        cancel_key(first.kid)
    planned = run(early=True)
    for early in (PRODUCTION.last_signature, timedelta(0)):
        with at(planned.at - early), pytest.raises(Unsafe, match="in a moment") if early else pytest.raises(UnknownKey):
            cancel_key(planned.kid)
    with pytest.raises(UnknownKey):
        cancel_key("nobody")


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_row_that_was_changed_by_hand_is_not_made_genuine_by_rewrapping(cancelled):
    run()
    new = parse(["N" * 43])[0]
    changed = SigningKey.objects.get(signs_at=None)
    if cancelled:
        cancel_key(changed.kid)
    by_hand(SigningKey.objects.filter(pk=changed.pk), max_lifetime=timedelta(days=400))
    with pytest.raises(CannotOpen):
        rewrap(operation(encryption_keys=(new, *issuer().encryption_keys())))


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
    """The database goes away in the second in which a switch was planned, and comes back after N."""
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
    made = [keystore.Database().generate("ES256", bits=None) for _ in range(400)]
    dashed = next(pair for pair in made if pair.kid.startswith("-"))
    plain, other_plain, *_ = (pair for pair in made if not pair.kid.startswith("-"))
    with patch.object(keystore.Database, "generate", side_effect=[dashed, plain, dashed, other_plain]):
        run()
    assert dashed.kid not in set(SigningKey.objects.values_list("kid", flat=True))
