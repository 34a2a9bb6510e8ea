"""Changed timings in the settings. A step of a key rotation stores them with the ring."""

from datetime import timedelta

import pytest

from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.steps import other, run
from tokens.keys import adoption, store
from tokens.keys.errors import Unsafe
from tokens.keys.revocation import revoke
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import AuditEvent, Ring, SigningKey

pytestmark = pytest.mark.django_db


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


def test_a_dry_run_at_a_time_when_lowered_timings_count_says_what_would_happen_then():
    run(policy=other(shared_cache=3600))
    run()
    until = Ring.objects.get().assumed_until
    assert run(dry_run=True, at=until + timedelta(days=100)).step == "planned"
    assert Ring.objects.get().assumed_until == until


def test_longer_timings_count_before_the_next_step_which_can_be_a_revocation():
    """If a timing is longer in the settings than in the ring, a revocation stores it with the ring.

    As the longer timing requires, the revocation also moves the start of a planned key to a later instant.
    """
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


def test_the_message_says_that_changed_timings_were_adopted():
    run()
    assert run(policy=other(keep=86_400 * 30)).message.startswith("adopted changed timings; nothing due")
