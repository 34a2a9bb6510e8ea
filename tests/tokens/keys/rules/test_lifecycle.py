"""The phases of keys, the key that signs, the published keys, and the dates at which keys leave the JWKS."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key, Phase
from tokens.keys.rules.policy import DEVELOPMENT, PRODUCTION

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = Key(kid="old", announced_at=START, signs_at=START, withdraw_at=START + 20 * DAY, max_lifetime=timedelta(hours=1))
NEW = Key(kid="new", announced_at=START, signs_at=START + 10 * DAY, max_lifetime=timedelta(hours=1))
STANDBY = Key(kid="standby", announced_at=START + 10 * DAY, max_lifetime=timedelta(hours=1))
RING = (OLD, NEW, STANDBY)


@pytest.mark.parametrize(
    ("after", "old", "new"),
    [
        (timedelta(0), Phase.SIGNING, Phase.ANNOUNCED),
        (10 * DAY - timedelta(seconds=1), Phase.SIGNING, Phase.ANNOUNCED),
        (10 * DAY, Phase.RETIRED, Phase.SIGNING),
        (20 * DAY - timedelta(seconds=1), Phase.RETIRED, Phase.SIGNING),
        (20 * DAY, Phase.WITHDRAWN, Phase.SIGNING),
        (900 * DAY, Phase.WITHDRAWN, Phase.SIGNING),
    ],
)
def test_a_phase_follows_only_from_the_dates_and_the_clock(after, old, new):
    phases = [lifecycle.phase(key, RING, now=START + after) for key in RING]
    assert phases == [old, new, Phase.ANNOUNCED]


def test_the_signer_is_the_key_that_took_over_last():
    assert lifecycle.signer(RING, now=START + 9 * DAY) == OLD
    assert lifecycle.signer(RING, now=START + 10 * DAY) == NEW
    assert lifecycle.signer(RING, now=START - DAY) is None


@pytest.mark.parametrize(("name", "phase"), [("cancelled_at", Phase.CANCELLED), ("revoked_at", Phase.REVOKED)])
@pytest.mark.parametrize("before", [DAY, timedelta(0)])
def test_a_key_that_was_discarded_before_its_start_neither_signs_nor_is_planned(name, phase, before):
    discarded, old = replace(NEW, **{name: NEW.signs_at - before}), replace(OLD, withdraw_at=None)
    assert (discarded.discarded, discarded.start) == (True, None)
    assert lifecycle.phase(discarded, (old, discarded), now=START + 11 * DAY) == phase
    assert lifecycle.signer((old, discarded), now=START + 11 * DAY) == old
    assert lifecycle.planned((old, discarded), now=START + 9 * DAY) is None


def test_after_a_revocation_of_the_signing_key_the_key_before_it_does_not_sign_again():
    revoked = replace(NEW, revoked_at=NEW.signs_at + DAY)
    assert revoked.start == NEW.signs_at
    assert lifecycle.signer((OLD, revoked), now=NEW.signs_at + DAY) is None


def test_a_key_that_was_revoked_after_its_start_is_not_planned_by_an_earlier_clock():
    revoked = replace(NEW, revoked_at=NEW.signs_at + DAY)
    assert lifecycle.planned((OLD, revoked), now=NEW.signs_at - DAY) is None
    assert lifecycle.planned((OLD, NEW), now=NEW.signs_at - timedelta.resolution) == NEW
    assert lifecycle.planned((OLD, NEW), now=NEW.signs_at) is None


def test_a_superseded_key_does_not_sign_on_a_node_that_does_not_see_its_successor():
    assert lifecycle.signer([OLD], now=START + DAY) is None
    assert lifecycle.signer([OLD, STANDBY], now=START + DAY) is None, "a standby key has no start"


def test_a_jwks_shows_the_signing_key_first_and_no_withdrawn_one():
    assert [key.kid for key in lifecycle.published(RING, now=START + 11 * DAY)] == ["new", "standby", "old"]
    assert [key.kid for key in lifecycle.published(RING, now=START + 20 * DAY)] == ["new", "standby"]


@pytest.mark.parametrize("policy", [PRODUCTION, DEVELOPMENT])
def test_a_withdrawal_waits_for_the_last_token_even_where_keep_is_short(policy):
    needed = policy.last_acceptance(OLD.max_lifetime)
    undated = replace(OLD, withdraw_at=None)
    assert lifecycle.withdrawal(undated, superseded_at=START, policy=policy) == START + max(needed, policy.keep)


def test_a_withdrawal_never_moves_earlier():
    assert lifecycle.withdrawal(OLD, superseded_at=START, policy=PRODUCTION) == OLD.withdraw_at


def test_a_withdrawn_key_does_not_sign_although_its_successor_is_only_planned():
    hour = timedelta(hours=1)
    old = Key(kid="old", announced_at=START, signs_at=START, withdraw_at=START + hour, max_lifetime=hour)
    planned = Key(kid="planned", announced_at=START, signs_at=START + 9 * hour, max_lifetime=hour)
    assert lifecycle.signer([old, planned], now=START) == old
    assert lifecycle.signer([old, planned], now=START + hour) is None


@pytest.mark.parametrize(("after", "flushes"), [(timedelta(0), True), (-timedelta.resolution, False)])
def test_a_key_flushes_a_revoked_one_only_if_it_was_announced_at_the_revocation_or_later(after, flushes):
    revoked = replace(OLD, revoked_at=START + DAY)
    new = replace(NEW, announced_at=START + DAY + after)
    assert lifecycle.flush(revoked, (revoked, new)) == (new if flushes else None)


def test_the_flush_is_the_first_key_after_all_that_were_announced_before_the_revocation():
    revoked = replace(OLD, revoked_at=START + DAY)
    first = replace(NEW, kid="first", announced_at=START + 2 * DAY)
    second = replace(first, kid="second", signs_at=first.signs_at + DAY)
    earlier = replace(NEW, kid="earlier", signs_at=first.signs_at + timedelta(hours=1))
    assert lifecycle.flush(revoked, (revoked, STANDBY, second, first)) == first
    assert lifecycle.flush(revoked, (revoked, second, first, earlier)) == second
    assert lifecycle.flush(revoked, (revoked, first, earlier)) is None
    assert lifecycle.flush(OLD, (OLD, first)) is None


def test_a_revoked_key_without_a_flush_is_unflushed():
    revoked = replace(OLD, revoked_at=START + DAY)
    flush = replace(NEW, kid="flush", announced_at=START + DAY, signs_at=START + 11 * DAY)
    assert lifecycle.unflushed((revoked, NEW, STANDBY)) == (revoked,)
    assert lifecycle.unflushed((revoked, NEW, flush)) == ()


@pytest.mark.parametrize(("after", "stale"), [(timedelta(0), False), (timedelta.resolution, True)])
def test_a_key_is_stale_if_another_was_revoked_after_its_announcement(after, stale):
    revoked = replace(OLD, revoked_at=STANDBY.announced_at + after)
    assert lifecycle.is_stale(STANDBY, (revoked, NEW, STANDBY)) is stale
    assert not lifecycle.is_stale(STANDBY, RING)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (replace(OLD, revoked_at=START + DAY), START + DAY),
        (replace(OLD, signs_at=None, cancelled_at=START + DAY), START + DAY),
        (OLD, NEW.signs_at + PRODUCTION.last_signature),
        (NEW, None),
        (STANDBY, None),
    ],
)
def test_a_private_key_can_be_destroyed_once_no_node_can_sign_with_it(key, expected):
    assert lifecycle.destroyable_at(key, (key, NEW, STANDBY), PRODUCTION) == expected
