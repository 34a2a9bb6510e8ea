"""Revocation of a signing key: the successor signs at once, and the revoked key is not published again.

If no other key can sign at once, the operator has to accept an outage explicitly.
"""

from datetime import timedelta

import pytest

from tests.tokens.keys.default_ring import ring
from tokens.keys.errors import UnknownKey, Unsafe
from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Phase
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import AuditEvent, SigningKey

pytestmark = pytest.mark.django_db


__all__ = ["ring"]


def test_the_propagated_standby_takes_over_at_once_and_the_next_one_is_announced(ring):
    signing, standby = ring.kid(Phase.SIGNING), ring.kid(Phase.ANNOUNCED)
    done = ring.revoke(signing)
    assert (done.successor, done.outage_until) == (standby, None)
    assert done.accepted_until == ring.now + PRODUCTION.propagation
    assert sorted(ring.phases().values()) == ["announced", "announced", "revoked", "signing"]
    assert ring.kid(Phase.SIGNING) == standby
    assert SigningKey.objects.get(kid=signing).sealed is None
    assert SigningKey.objects.get(kid=signing).revoke_reason == "leaked"
    event = AuditEvent.objects.get(action="key.revoked")
    assert event.subject == f"key:{signing}"
    assert event.details["reason"] == "leaked"
    assert event.details["keys"][standby]["before"]["signs_at"] is None
    start = ring.now - PRODUCTION.clock_error  # so that a node whose clock is slow finds a signer as well
    assert event.details["keys"][standby]["after"]["signs_at"] == start.isoformat()
    assert event.details["policy"] == PRODUCTION.to_json()


def test_without_a_propagated_standby_the_outage_has_to_be_accepted(ring):
    ring.revoke(ring.kid(Phase.SIGNING))
    before = ring.phases()
    with pytest.raises(Unsafe, match="--accept-outage"):
        ring.revoke(ring.kid(Phase.SIGNING))
    assert ring.phases() == before
    done = ring.revoke(ring.kid(Phase.SIGNING), accept_outage=True)
    assert done.outage_until == ring.now + PRODUCTION.propagation + PRODUCTION.clock_error


def test_a_standby_is_replaced_and_the_signing_key_stays(ring):
    signing, standby = ring.kid(Phase.SIGNING), ring.kid(Phase.ANNOUNCED)
    assert ring.revoke(standby).successor is None
    assert ring.kid(Phase.SIGNING) == signing
    assert ring.phases()[standby] is Phase.REVOKED
    assert lifecycle.standby(ring.dates()).kid != standby


def test_when_the_planned_key_is_revoked_the_standby_is_planned_in_its_place_and_signing_goes_on(ring):
    signing = ring.kid(Phase.SIGNING)
    planned = ring.rotate(early=True)
    done = ring.revoke(planned.kid)
    assert ring.kid(Phase.SIGNING) == signing
    successor = lifecycle.planned(ring.dates(), now=ring.now)
    assert successor.kid == done.successor
    assert successor.signs_at >= lifecycle.seen_at(successor, PRODUCTION)
    old = next(key for key in ring.dates() if key.kid == signing)
    assert old.withdraw_at >= successor.signs_at + PRODUCTION.last_acceptance(old.max_lifetime)
    ring.now = successor.signs_at
    assert ring.kid(Phase.SIGNING) == successor.kid


def test_while_a_switch_is_planned_the_planned_key_takes_over_from_a_revoked_signing_key(ring):
    planned = ring.rotate(early=True)
    assert ring.revoke(ring.kid(Phase.SIGNING)).successor == planned.kid
    assert ring.kid(Phase.SIGNING) == planned.kid


def test_a_retired_key_leaves_and_nothing_else_changes(ring):
    ring.now = ring.rotate(early=True).at
    retired, signing = ring.kid(Phase.RETIRED), ring.kid(Phase.SIGNING)
    assert ring.revoke(retired).successor is None
    assert ring.kid(Phase.SIGNING) == signing
    assert retired not in {key.kid for key in lifecycle.published(ring.dates(), now=ring.now)}


def test_revoking_all_leaves_a_fresh_key_and_a_fresh_standby(ring):
    old = set(ring.phases())
    with pytest.raises(Unsafe):
        ring.revoke(None, ring="default")
    done = ring.revoke(None, ring="default", accept_outage=True)
    assert set(done.kids) == old
    assert {kid for kid, phase in ring.phases().items() if phase is not Phase.REVOKED}.isdisjoint(old)
    assert sorted(ring.phases().values()) == ["announced", "revoked", "revoked", "signing"]


def test_what_is_revoked_already_or_unknown_cannot_be_revoked(ring):
    kid = ring.kid(Phase.SIGNING)
    ring.revoke(kid)
    for unknown in (kid, "nobody"):
        with pytest.raises(UnknownKey):
            ring.revoke(unknown)
    for target in (None, ring.kid(Phase.SIGNING)):
        with pytest.raises(UnknownKey, match="no ring 'nowhere'"):
            ring.revoke(target, ring="nowhere")


def test_a_dry_run_returns_the_consequence_and_changes_nothing(ring):
    before = list(SigningKey.objects.values())
    done = ring.revoke(ring.kid(Phase.SIGNING), dry_run=True)
    assert done.successor == ring.kid(Phase.ANNOUNCED)
    assert list(SigningKey.objects.values()) == before
    assert not AuditEvent.objects.filter(action="key.revoked").exists()


def test_a_private_half_that_was_destroyed_before_is_not_destroyed_again(ring):
    ring.now = ring.rotate(early=True).at + timedelta(hours=1)
    retired = ring.kid(Phase.RETIRED)
    assert ring.rotate().step == "destroyed"
    destroyed = SigningKey.objects.get(kid=retired).private_destroyed_at
    ring.now += timedelta(hours=1)
    ring.revoke(retired)
    assert SigningKey.objects.get(kid=retired).private_destroyed_at == destroyed
