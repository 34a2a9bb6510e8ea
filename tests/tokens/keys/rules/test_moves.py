"""An API moves from one ring (set of signing keys) to another.

All its tokens can be verified, although nodes have wrong clocks and old snapshots. The API reads the JWKS of its new
ring before any node signs for it with that ring.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from unittest.mock import Mock, patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tokens.keys.world import LATE, POLICY, SECOND, START
from tokens.keys import transfer
from tokens.keys.rules import lifecycle, moves
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import Move
from tokens.keys.rules.policy import Policy

SLOW = replace(POLICY, api_copy=timedelta(seconds=90), snapshot_age=timedelta(seconds=16))
DELTA = POLICY.clock_error - LATE
SKEWS = (-DELTA, timedelta(0), DELTA)
PAIRS = st.sampled_from([(POLICY, POLICY), (SLOW, POLICY), (POLICY, SLOW)])
AHEAD = st.integers(-300, 300).map(lambda value: timedelta(seconds=value))


class Timeline:
    """One move of an API between rings, which is planned at START and committed as late as allowed."""

    def __init__(self, policy: Policy, previous: Policy, start: datetime) -> None:
        self.policy, self.slowest = policy, max(policy, previous, key=lambda timings: timings.propagation)
        self.key = Key(kid="new", announced_at=min(START, start), signs_at=start, max_lifetime=policy.token_lifetime)
        locked = SimpleNamespace(keys=(self.key,), now=START, policy=policy, row=SimpleNamespace(name="new"))
        rings = [SimpleNamespace(policy=timings.to_json(), assumed=None) for timings in (policy, previous)]
        table = Mock(**{"objects.filter.return_value": rings[1:], "objects.all.return_value": rings})
        keys = Mock(**{"objects.aggregate.return_value": {"longest": policy.token_lifetime}})
        with patch.object(transfer, "Ring", table), patch.object(transfer, "SigningKey", keys):
            at = transfer._earliest(locked, "old")
            self.move = Move(ring="new", previous="old", at=at, settled_at=at + transfer._acceptance())
        self.committed = START + DELTA
        self.read_by = self.committed + policy.snapshot_age - LATE
        """Every node has read the plan by then."""

    def signing(self, now: datetime, *, skew: timedelta, knows: bool) -> str:
        """Return the name of the ring with which a node signs at `now`.

        `skew` is the error of the node's clock. `knows` is True if the node has read the date of the move.
        """
        return moves.signing("api", {"api": self.move} if knows else {"api": BEFORE}, now=now + skew)

    def lags(self) -> Iterator[timedelta]:
        """Yield how long after the commit of a move an API can still use an outdated JWKS of the new ring.

        The first duration is for the timings of the new ring, the second one for those of the slower of the two rings.
        """
        for policy in (self.policy, self.slowest):
            yield policy.snapshot_age + policy.shared_cache + policy.api_copy - 3 * LATE

    def check(self) -> None:
        first = self.move.at - DELTA
        for lag in self.lags():
            assert self.committed + lag <= first, "a copy of the new JWKS lacks keys when the API is to go by it"
        for skew in SKEWS:
            for now in (first, self.move.at, self.move.at + DELTA):
                if self.signing(now, skew=skew, knows=True) == "new":
                    signers = [lifecycle.signer([self.key], now=now + other) for other in SKEWS]
                    assert all(signers), "the ring that takes over has no signer"
        dies = self.last_signature() + DELTA + self.policy.token_lifetime + self.policy.leeway + DELTA
        for skew in SKEWS:
            if "old" not in self.move.trusted(now=dies - LATE + skew):
                raise AssertionError("the previous ring is out of use, and its token lives")

    def last_signature(self) -> datetime:
        """Return the last instant at which some node can sign with the previous ring.

        A node that knows the date of the move signs with the previous ring until its clock shows this date. The clock
        can be slow. A node that does not know the date signs with the previous ring until it reads the date. The later
        of these instants is returned.
        """
        last = self.move.at + DELTA - LATE
        assert self.signing(last, skew=-DELTA, knows=True) == "old"
        return max(last, self.read_by)


BEFORE = Move(ring="old", previous="older", at=START - 900 * SECOND, settled_at=START - 500 * SECOND)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(PAIRS, AHEAD)
def test_a_move_breaks_no_token_for_any_clocks_and_snapshots(policies: tuple[Policy, Policy], ahead: timedelta):
    Timeline(*policies, START + ahead).check()


@pytest.mark.parametrize(
    ("ahead", "broken"),
    [(timedelta(0), "a copy of the new JWKS lacks keys"), (timedelta(seconds=300), "has no signer")],
)
def test_a_move_planned_a_second_too_early_breaks_a_token(ahead, broken):
    earliest = transfer._earliest
    with (
        patch.object(transfer, "_earliest", lambda locked, previous: earliest(locked, previous) - SECOND),
        pytest.raises(AssertionError, match=broken),
    ):
        Timeline(POLICY, POLICY, START + ahead).check()


def test_a_move_planned_with_one_ring_s_timings_only_breaks_a_token():
    earliest = transfer._earliest

    def own(locked, previous):
        with patch.object(transfer, "Ring", Mock(**{"objects.filter.return_value": []})):
            return earliest(locked, previous)

    with patch.object(transfer, "_earliest", own), pytest.raises(AssertionError, match="lacks keys"):
        Timeline(POLICY, SLOW, START).check()


def test_a_move_that_does_not_wait_for_slow_clocks_finds_no_signer():
    def hasty(locked, previous):
        return max(locked.now + locked.policy.propagation, locked.keys[0].start + timedelta(microseconds=1))

    with patch.object(transfer, "_earliest", hasty), pytest.raises(AssertionError, match="has no signer"):
        Timeline(POLICY, POLICY, START + 300 * SECOND).check()


def test_a_previous_ring_that_is_not_trusted_a_second_too_early_breaks_a_token():
    """If the API stops trusting the previous ring a second too early, a valid token is refused.

    In this test, the API moves at once. So nodes that have not read the date of the move still sign with the previous
    ring.
    """
    acceptance = transfer._acceptance
    with (
        patch.object(transfer, "_earliest", lambda locked, _: locked.now),
        patch.object(transfer, "_acceptance", lambda: acceptance() - SECOND),
        patch.object(Timeline, "lags", lambda _: iter(())),
        pytest.raises(AssertionError, match="out of use"),
    ):
        Timeline(POLICY, POLICY, START - 300 * SECOND).check()
    with (
        patch.object(transfer, "_earliest", lambda locked, _: locked.now),
        patch.object(Timeline, "lags", lambda _: iter(())),
    ):
        Timeline(POLICY, POLICY, START - 300 * SECOND).check()


@pytest.mark.parametrize(("at", "settled_at"), [(None, None), (START + SECOND, START + 90 * SECOND)])
def test_until_the_new_ring_takes_over_the_previous_one_signs_and_both_are_trusted(at, settled_at):
    move = Move(ring="new", previous="old", at=at, settled_at=settled_at)
    planned = {"api": move}
    assert moves.signing("api", planned, now=START) == "old"
    assert moves.trusted("api", planned, now=START) == ("new", "old")
    assert set(moves.shown("new", planned.values(), now=START)) == {"new", "old"}
    assert set(moves.shown("old", planned.values(), now=START)) == {"new", "old"}
    assert moves.shown("default", planned.values(), now=START) == ("default",)
