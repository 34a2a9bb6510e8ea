"""The flush after a key revocation, which makes verifiers drop the revoked key.

A flush is a later switch of signing keys, to a new key that the revocation announces. The first token of the new key
makes verifiers fetch the JWKS, which does not have the revoked key any more.
"""

from datetime import timedelta
from unittest.mock import patch

import pytest

from tests.clock import node_at
from tests.tokens.factories import operation
from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.default_ring import Ring, ring
from tokens.checks import key_health
from tokens.conf import issuer
from tokens.keys import cancellation, rotation
from tokens.keys.errors import Unsafe
from tokens.keys.operation import Outcome
from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Phase
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import AuditEvent, SigningKey

__all__ = ["ring"]
pytestmark = pytest.mark.django_db
TEN_MINUTES = timedelta(minutes=10)
SECOND = timedelta(seconds=1)


def key(ring: Ring, kid: str) -> lifecycle.Key:
    """Return the dates of the key `kid`."""
    return next(key for key in ring.dates() if key.kid == kid)


def flush_of(ring: Ring, kid: str) -> lifecycle.Key | None:
    """Return the key whose start makes verifiers drop the revoked key `kid`. Returns None if there is no such key."""
    return lifecycle.flush(key(ring, kid), ring.dates())


def cancel(ring: Ring, kid: str) -> Outcome:
    """Cancel the announced key `kid` at the instant `ring.now`, and return the outcome."""
    with ring.at():
        return cancellation.cancel(operation(ring.now), kid)


def signs_throughout(ring: Ring) -> bool:
    """Return True if, now and at each later instant at which a key starts, some key signs."""
    starts = [key.start for key in ring.dates() if key.start and key.start > ring.now]
    return all(lifecycle.signer(ring.dates(), now=at) for at in [ring.now, *starts])


def test_a_revocation_plans_one_more_switch_to_a_key_that_it_announces(ring):
    signing, standby = ring.kid(Phase.SIGNING), ring.kid(Phase.ANNOUNCED)
    done = ring.revoke(signing)
    flush = key(ring, done.flush_kid)
    assert (flush.announced_at, flush.signs_at) == (ring.now, ring.now + PRODUCTION.announce)
    assert (done.flush_at, done.copies_from) == (flush.signs_at, None)
    assert lifecycle.standby(ring.dates()).kid not in (standby, flush.kid)
    successor = key(ring, standby)
    assert successor.withdraw_at >= flush.signs_at + PRODUCTION.last_acceptance(successor.max_lifetime)
    assert flush_of(ring, signing) == flush
    details = AuditEvent.objects.get(action="key.revoked").details
    assert (details["flush_kid"], details["flush_at"]) == (flush.kid, flush.signs_at.isoformat())
    assert ring.rotate().message == "already planned; switches at", "rotate_keys leaves it alone"
    ring.now = flush.signs_at
    assert ring.kid(Phase.SIGNING) == flush.kid
    assert signs_throughout(ring)


def test_what_is_printed_names_the_instant_of_each_kind_of_verifier(ring):
    done = ring.revoke(ring.kid(Phase.SIGNING))
    renewing, lazy, _, never = str(done).splitlines()[2:]
    assert f"{done.accepted_until:%Y-%m-%d %H:%M:%S} UTC" in renewing
    assert "Spring" in renewing
    assert f"{done.flush_at:%Y-%m-%d %H:%M:%S} UTC, when {done.flush_kid} signs" in lazy
    assert "Kubernetes" in lazy
    assert "Open Liberty): until you replace the file or restart them" in never


def test_a_shortened_flush_says_which_copies_may_lack_its_key_and_stays_where_it_is(ring):
    done = ring.revoke(ring.kid(Phase.SIGNING), flush_after=TEN_MINUTES)
    assert done.flush_at == ring.now + TEN_MINUTES
    assert done.copies_from == ring.now + PRODUCTION.refetch
    assert "those that do fetch lose nothing" in str(done)
    assert ring.rotate().step == "nothing"
    assert key(ring, done.flush_kid).signs_at == done.flush_at, "no step puts it off"


def test_from_the_age_of_every_copy_on_a_shortened_flush_costs_nothing(ring):
    signing = ring.kid(Phase.SIGNING)
    assert ring.revoke(signing, flush_after=PRODUCTION.propagation - SECOND, dry_run=True).copies_from
    assert ring.revoke(signing, flush_after=PRODUCTION.propagation).copies_from is None


@pytest.mark.parametrize(
    ("after", "refused"),
    [
        (PRODUCTION.refetch - SECOND, True),
        (PRODUCTION.refetch, False),
        (PRODUCTION.announce, False),
        (PRODUCTION.announce + SECOND, True),
    ],
)
def test_the_flush_lies_between_the_bound_of_shared_caches_and_its_usual_instant(ring, after, refused):
    signing = ring.kid(Phase.SIGNING)
    if refused:
        with pytest.raises(Unsafe, match="at least N"):
            ring.revoke(signing, flush_after=after)
        assert ring.kid(Phase.SIGNING) == signing
    else:
        assert ring.revoke(signing, flush_after=after).flush_at == ring.now + after


@pytest.mark.parametrize("phase", [Phase.ANNOUNCED, Phase.RETIRED])
def test_a_key_that_does_not_sign_is_flushed_as_well(ring, phase):
    ring.now = ring.rotate(early=True).at + SECOND
    signing, revoked = ring.kid(Phase.SIGNING), ring.kid(phase)
    done = ring.revoke(revoked)
    assert (done.successor, ring.kid(Phase.SIGNING)) == (None, signing)
    assert flush_of(ring, revoked).kid == done.flush_kid
    assert lifecycle.planned(ring.dates(), now=ring.now).kid == done.flush_kid
    ring.now = done.flush_at
    assert ring.kid(Phase.SIGNING) == done.flush_kid


def test_a_second_revocation_during_a_flush_adds_its_own_and_leaves_the_first_where_it_is(ring):
    first = ring.revoke(ring.kid(Phase.SIGNING))
    ring.now += timedelta(hours=30)
    second = ring.revoke(ring.kid(Phase.SIGNING))
    assert (second.successor, second.outage_until) == (first.flush_kid, None), "every API has the flush's key by now"
    assert flush_of(ring, first.kids[0]).kid == first.flush_kid
    assert flush_of(ring, second.kids[0]).kid == second.flush_kid
    assert second.flush_at == ring.now + PRODUCTION.announce
    assert signs_throughout(ring)


def test_a_second_revocation_before_any_key_reached_every_api_needs_an_accepted_outage(ring):
    first = ring.revoke(ring.kid(Phase.SIGNING))
    ring.now += timedelta(hours=1)
    signing = ring.kid(Phase.SIGNING)
    with pytest.raises(Unsafe, match="--accept-outage"):
        ring.revoke(signing)
    second = ring.revoke(signing, accept_outage=True)
    assert second.successor == first.flush_kid
    assert flush_of(ring, second.kids[0]).kid == second.flush_kid != first.flush_kid


def test_an_older_standby_that_every_api_has_signs_before_the_key_of_a_flush_that_they_lack(ring):
    ring.now = ring.rotate(early=True).at
    retired, standby = ring.kid(Phase.RETIRED), lifecycle.standby(ring.dates()).kid
    ring.now += timedelta(days=3)
    first = ring.revoke(retired)
    ring.now += timedelta(hours=1)
    second = ring.revoke(ring.kid(Phase.SIGNING))
    assert (second.successor, second.outage_until) == (standby, None)
    assert flush_of(ring, retired).kid == first.flush_kid, "it signs before that flush, and not after it"
    assert signs_throughout(ring)


def test_an_older_standby_that_every_api_has_soon_signs_before_the_key_of_a_flush(ring):
    ring.now = ring.rotate(early=True).at
    retired, standby = ring.kid(Phase.RETIRED), lifecycle.standby(ring.dates())
    seen = lifecycle.seen_at(standby, PRODUCTION)
    ring.now = seen - TEN_MINUTES
    first = ring.revoke(retired)
    ring.now = seen - SECOND
    second = ring.revoke(ring.kid(Phase.SIGNING), accept_outage=True)
    assert (second.successor, second.outage_until) == (standby.kid, seen + PRODUCTION.clock_error)
    assert flush_of(ring, retired).kid == first.flush_kid
    assert signs_throughout(ring)


def test_the_key_of_a_flush_is_revoked_and_the_standby_keeps_the_first_promise(ring):
    first = ring.revoke(ring.kid(Phase.SIGNING))
    ring.now += timedelta(hours=1)
    second = ring.revoke(first.flush_kid)
    assert flush_of(ring, first.kids[0]).kid == second.successor
    assert flush_of(ring, first.kids[0]).signs_at <= first.flush_at
    assert flush_of(ring, first.flush_kid).kid == second.flush_kid
    chain = [key.kid for key in lifecycle.switches(ring.dates(), now=ring.now)]
    assert chain == [second.successor, second.flush_kid]
    assert signs_throughout(ring)


def test_a_signing_key_is_revoked_while_two_switches_are_planned(ring):
    first = ring.revoke(ring.kid(Phase.SIGNING))
    ring.now += timedelta(hours=30)
    other = ring.revoke(lifecycle.standby(ring.dates()).kid)
    done = ring.revoke(ring.kid(Phase.SIGNING))
    assert done.successor == first.flush_kid, "it has a successor, and takes over earlier"
    assert flush_of(ring, other.kids[0]).kid == other.flush_kid
    assert signs_throughout(ring)


def test_a_flush_that_is_shortened_goes_before_a_flush_that_was_planned_and_takes_its_place(ring):
    first = ring.revoke(ring.kid(Phase.SIGNING))
    ring.now += timedelta(hours=30)
    second = ring.revoke(ring.kid(Phase.SIGNING), flush_after=TEN_MINUTES)
    third = ring.revoke(lifecycle.standby(ring.dates()).kid, flush_after=timedelta(minutes=9))
    assert ring.phases()[second.flush_kid] is Phase.CANCELLED
    assert SigningKey.objects.get(kid=second.flush_kid).sealed is None
    assert flush_of(ring, second.kids[0]).kid == third.flush_kid
    assert flush_of(ring, first.kids[0]).kid == first.flush_kid
    assert signs_throughout(ring)


def test_a_flush_during_a_planned_switch_comes_after_it(ring):
    planned = ring.rotate(early=True)
    standby = lifecycle.standby(ring.dates()).kid
    done = ring.revoke(standby)
    chain = [key.kid for key in lifecycle.switches(ring.dates(), now=ring.now)]
    assert chain == [planned.kid, done.flush_kid]
    assert flush_of(ring, standby).kid == done.flush_kid
    assert signs_throughout(ring)


def test_a_standby_older_than_the_revocation_is_replaced_once_the_flush_can_serve_an_emergency(ring):
    ring.rotate(early=True)
    ring.now += SECOND
    old = lifecycle.standby(ring.dates()).kid
    done = ring.revoke(ring.kid(Phase.SIGNING))
    assert lifecycle.standby(ring.dates()).kid == old
    ring.now += PRODUCTION.propagation - SECOND
    assert ring.rotate().step == "nothing"
    ring.now += SECOND
    assert ring.rotate().message.startswith("announced another standby")
    assert ring.phases()[old] is Phase.CANCELLED
    assert flush_of(ring, done.kids[0]).kid == done.flush_kid
    assert ring.rotate().step == "nothing"


def test_a_cancelled_flush_is_replaced_by_the_standby(ring):
    done = ring.revoke(ring.kid(Phase.SIGNING))
    standby = lifecycle.standby(ring.dates())
    cancelled = cancel(ring, done.flush_kid)
    assert (cancelled.kid, cancelled.at) == (standby.kid, lifecycle.seen_at(standby, PRODUCTION))
    assert flush_of(ring, done.kids[0]).kid == standby.kid


def test_a_cancelled_flush_is_replaced_by_a_fresh_key_if_the_standby_is_older_than_the_revocation(ring):
    ring.rotate(early=True)
    ring.now += SECOND
    old = lifecycle.standby(ring.dates()).kid
    done = ring.revoke(ring.kid(Phase.SIGNING))
    cancelled = cancel(ring, done.flush_kid)
    assert cancelled.kid not in (old, done.flush_kid)
    assert flush_of(ring, done.kids[0]).kid == cancelled.kid


def test_the_switch_before_a_flush_is_cancelled_and_the_flush_stays(ring):
    planned = ring.rotate(early=True)
    ring.now += SECOND
    done = ring.revoke(planned.kid)
    assert [key.kid for key in lifecycle.switches(ring.dates(), now=ring.now)] == [done.successor, done.flush_kid]
    cancelled = cancel(ring, done.successor)
    assert (cancelled.kid, cancelled.at) == (done.flush_kid, done.flush_at)
    assert flush_of(ring, planned.kid).kid == done.flush_kid
    assert signs_throughout(ring)


def test_revoking_all_is_its_own_flush(ring):
    done = ring.revoke(None, ring="default", accept_outage=True)
    assert done.flush_kid == done.successor
    assert done.flush_at == ring.now
    assert len(lifecycle.switches(ring.dates(), now=ring.now)) == 0
    assert {flush_of(ring, kid).kid for kid in done.kids} == {done.successor}


def test_a_key_that_was_announced_at_the_same_instant_flushes_nothing(ring):
    """If a key was announced at the instant of a revocation, the flush uses a newer key.

    The revocation is dated just after that instant. SQLite's clock has a resolution of a millisecond, so that both can
    happen at the same instant.
    """
    ring.now += timedelta(days=91)
    ring.rotate()
    before = {key.kid for key in ring.dates()}
    done = ring.revoke(ring.kid(Phase.SIGNING))
    assert key(ring, done.kids[0]).revoked_at > ring.now
    assert done.flush_kid not in before


def test_longer_timings_put_a_flush_off_only_as_far_as_its_own_bound(ring):
    def under(name, value):
        changed = type(PRODUCTION)(**{**_values(PRODUCTION), name: value})
        with ring.at():
            return rotation.rotate(operation(ring.now, policy=changed))

    short = ring.revoke(ring.kid(Phase.SIGNING), flush_after=TEN_MINUTES)
    under("api_copy", timedelta(hours=30))
    assert key(ring, short.flush_kid).signs_at == short.flush_at
    under("shared_cache", timedelta(minutes=15))
    assert key(ring, short.flush_kid).signs_at == ring.now + PRODUCTION.refetch + timedelta(minutes=10)


def test_longer_timings_put_off_both_of_two_planned_switches_in_their_order(ring):
    first = ring.revoke(ring.kid(Phase.SIGNING))
    ring.now += timedelta(hours=1)
    second = ring.revoke(lifecycle.standby(ring.dates()).kid)
    longer = type(PRODUCTION)(
        **{**_values(PRODUCTION), "api_copy": timedelta(hours=60), "announce": timedelta(hours=70)}
    )
    with ring.at():
        rotation.rotate(operation(ring.now, policy=longer))
    chain = lifecycle.switches(ring.dates(), now=ring.now)
    assert [key.kid for key in chain] == [first.flush_kid, second.flush_kid]
    assert [key.signs_at for key in chain] == [lifecycle.seen_at(key, longer) for key in chain]
    assert signs_throughout(ring)


def _values(policy):
    return {name: getattr(policy, name) for name in policy.__dataclass_fields__}


def test_a_broken_row_in_the_place_of_the_next_key_keeps_no_key_from_being_revoked(ring):
    ring.revoke(ring.kid(Phase.SIGNING))
    ring.now += timedelta(hours=1)
    last = ring.revoke(lifecycle.standby(ring.dates()).kid).flush_kid
    by_hand(SigningKey.objects.filter(kid=last), max_lifetime=timedelta(minutes=1))
    standby = lifecycle.standby(ring.dates()).kid
    done = ring.revoke(standby)
    assert (done.flush_kid, done.flush_at, done.left) == (None, None, (last,))
    assert "no flush could be planned" in str(done)
    assert ring.phases()[standby] is Phase.REVOKED


def problems(ring):
    """Return the problems that `keys --check` reports, by their codes."""
    with ring.at(), node_at(lambda: ring.now):
        return {
            problem.code: problem
            for problem in key_health.check(policy=PRODUCTION, encryption_keys=issuer().encryption_keys(), now=ring.now)
        }


def test_the_check_notes_a_flush_that_is_to_come_and_is_silent_after_it(ring):
    done = ring.revoke(ring.kid(Phase.SIGNING))
    note = problems(ring)["flush"]
    assert note.waits
    assert f"{done.flush_at:%Y-%m-%d %H:%M:%S} UTC, when {done.flush_kid} takes over" in note.message
    ring.now = done.flush_at
    assert problems(ring) == {}


def test_rotate_keys_plans_the_flush_that_an_earlier_version_did_not_plan(ring):
    signing = ring.kid(Phase.SIGNING)
    with patch("tokens.keys.revocation._flush_at", return_value=None):
        ring.revoke(signing)
    assert flush_of(ring, signing) is None
    problem = problems(ring)["no_flush"]
    assert (problem.waits, f"{signing} is revoked, and no flush is planned" in problem.message) == (False, True)
    planned = ring.rotate()
    assert (planned.step, flush_of(ring, signing).kid) == ("planned", planned.kid)
    assert set(problems(ring)) == {"flush"}
