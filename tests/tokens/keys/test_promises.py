"""P1 to P5, proved by a machine that does whatever may happen: the real rules under a fake clock.

The world: a database of keys; nodes whose clock is off by up to δ and whose snapshot is up to N old; a shared
cache that keeps a JWKS for C; APIs that keep their copy for T, and refetch as late as that. Steps commit late, or
crash. What a node signs from its snapshot every obedient API must accept until it dies. Each rule, weakened by a
second, is found out.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tokens.keys import lifecycle, succession
from tokens.keys.errors import Unsafe
from tokens.keys.lifecycle import Key
from tokens.keys.policy import Policy, raised

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seconds(**values: float) -> dict[str, timedelta]:
    return {name: timedelta(seconds=value) for name, value in values.items()}


POLICY = Policy(
    **seconds(
        snapshot_age=8,
        reread=1,
        shared_cache=5,
        api_copy=20,
        clock_error=2,
        token_lifetime=30,
        leeway=3,
        announce=40,
        rotate_every=60,
        keep=12,
    )
)
LATE = timedelta(milliseconds=1)
"""How much earlier than the last instant that is allowed something happens: everyone is as late as may be."""
ERROR = POLICY.clock_error - LATE


class World(RuleBasedStateMachine):
    """Time passes, operators and nodes act, and the promises are looked at after each step."""

    policy = POLICY
    obeyed_age = POLICY.snapshot_age
    """How old a snapshot a node really goes by; N for an obedient one."""
    signers_at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.keys: tuple[Key, ...] = ()
        self.committed: list[tuple[datetime, tuple[Key, ...]]] = []
        self.dies: dict[str, datetime] = {}
        """When the last token of a key dies, by kid."""
        self.signed: dict[str, tuple[datetime, datetime]] = {}
        """When a key signed first and last, by kid."""
        self.serial = 0
        self.in_force = self.policy
        self.ages = [(START - 1000 * SECOND, self.policy)]
        """Since when which numbers are obeyed: what was read before goes by those of then."""

    # --- the operator ------------------------------------------------------------------------------------------------

    def _key(self) -> Key:
        self.serial += 1
        return Key(kid=f"k{self.serial}", announced_at=self.now, max_lifetime=self.in_force.token_lifetime)

    def _commit(self, keys: Sequence[Key]) -> None:
        """A transaction decides now; others see it as late as it may take (δ), and the next one waits."""
        if tuple(keys) != self.keys:
            self._pass(ERROR)
            self.keys = tuple(keys)
            self.committed.append((self.now, self.keys))

    @initialize()
    def first_key(self) -> None:
        self.keys = (replace(self._key(), signs_at=self.now), self._key())
        self.committed.append((self.now, self.keys))

    @rule(hurry=st.booleans(), crash=st.booleans())
    def rotate(self, hurry: bool, crash: bool) -> None:
        """One step of the reconciler; a crash before the commit leaves nothing."""
        keys = succession.lengthen(self.keys, policy=self.in_force, now=self.now)
        standby, coming = lifecycle.standby(keys), lifecycle.planned(keys, now=self.now)
        if standby is None:
            keys = (*keys, self._key())
        elif coming is None and (hurry or lifecycle.due(keys, policy=self.in_force, now=self.now) <= self.now):
            at = succession.earliest(standby, now=self.now, policy=self.in_force)
            keys = (*succession.supersede(keys, standby.kid, at=at, now=self.now, policy=self.in_force), self._key())
        if not crash:
            self._commit(keys)

    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        """A key leaked. What breaks tokens needs --accept-outage, which nobody gives here."""
        live = [key for key in self.keys if lifecycle.phase(key, self.keys, now=self.now) in lifecycle.PUBLISHED]
        kid = data.draw(st.sampled_from([key.kid for key in live]))
        fresh = (self._key(), self._key())
        done = succession.revoke(self.keys, [kid], fresh=fresh, now=self.now, policy=self.in_force)
        if done.outage_until is None:
            self._commit(done.keys)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """An announced key is taken back, planned or not, unless nodes may be about to sign with it."""
        phases = {key.kid: lifecycle.phase(key, self.keys, now=self.now) for key in self.keys}
        announced = [kid for kid, phase in phases.items() if phase is lifecycle.Phase.ANNOUNCED]
        if announced:
            kid, fresh = data.draw(st.sampled_from(announced)), (self._key(), self._key())
            with suppress(Unsafe):
                done = succession.cancel(self.keys, kid, fresh=fresh, now=self.now, policy=self.in_force)
                self._commit(done.keys)

    @rule(
        factor=st.sampled_from([1.5, 2.0]),
        name=st.sampled_from(["token_lifetime", "keep", "announce", "snapshot_age", "shared_cache", "api_copy"]),
    )
    def raise_a_number(self, factor: float, name: str) -> None:
        """The policy changes: plans go by it at once, and whoever obeys it only after that is committed."""
        if getattr(self.in_force, name) < 4 * getattr(self.policy, name):
            proposed = replace(self.in_force, **{name: getattr(self.in_force, name) * factor})
            self.in_force = raised(self.in_force, proposed)
            self._commit(succession.lengthen(self.keys, policy=self.in_force, now=self.now))
            self.ages.append((self.now, self.in_force))

    # --- the world ---------------------------------------------------------------------------------------------------

    @rule(step=st.sampled_from([0.5, 2, 5, 11, 29, 61]))
    def time_passes(self, step: float) -> None:
        """Nodes sign at every moment that matters, and every API looks at what it got."""
        self._pass(timedelta(seconds=step))

    @rule()
    def the_last_moment_to_cancel_comes(self) -> None:
        """Just before a planned key is too near its start to be taken back."""
        coming = lifecycle.planned(self.keys, now=self.now)
        if coming is not None and coming.start is not None:
            self._pass(max(coming.start - self.in_force.last_signature - LATE - self.now, timedelta(0)))

    def _pass(self, span: timedelta) -> None:
        end = self.now + span
        while self.now < end:
            self.now = min(self._moment() or end, end)
            self.sign()
            self.every_api_accepts_what_lives()
            self.nodes_switch_together()

    def _moment(self) -> datetime | None:
        """The next instant at which a node, as early or as late as it may be, changes its mind."""
        starts = [key.start for key in self.keys if key.start is not None]
        moments = [start + shift for start in starts for shift in (-ERROR, timedelta(0), ERROR - LATE)]
        moments += [key.withdraw_at - ERROR for key in self.keys if key.withdraw_at]
        moments += [since + age - 2 * LATE for since, _ in self.committed for age in self._snapshot_ages()]
        return min((moment for moment in moments if moment > self.now), default=None)

    def _database(self, at: datetime) -> tuple[Key, ...]:
        return next((keys for since, keys in reversed(self.committed) if since <= at), ())

    def _nodes(self) -> list[tuple[tuple[Key, ...], timedelta]]:
        """What obedient nodes go by: a snapshot that is fresh or as old as N, a clock that is fast, right or slow."""
        found = []
        for age in self._snapshot_ages():
            found += [(self._database(self.now - age), skew) for skew in (-ERROR, timedelta(0), ERROR)]
        return [one for one in found if one[0]]

    def _snapshot_ages(self, at: datetime | None = None) -> list[timedelta]:
        """How old a snapshot may be: fresh, or N by the numbers that were in force when it was read."""
        at, slack = at or self.now, self.obeyed_age - self.policy.snapshot_age
        ages = [(since, policy.snapshot_age + slack - LATE) for since, policy in self.ages]
        return [timedelta(0)] + [age for since, age in ages if at - age >= since]

    def sign(self) -> None:
        """Each node signs the longest token that it may; the wall clock that `exp` is written by is fast."""
        for keys, skew in self._nodes():
            if key := lifecycle.signer(keys, now=self.now + skew):
                self.dies[key.kid] = max(self.dies.get(key.kid, START), self.now + ERROR + key.max_lifetime)
                first, _ = self.signed.get(key.kid, (self.now, self.now))
                self.signed[key.kid] = (first, self.now)

    def _copies(self) -> list[frozenset[str]]:
        """What obedient APIs go by: a JWKS served just now, or one that a cache and an API kept as long as they may."""
        kept = [(since, policy.shared_cache + policy.api_copy) for since, policy in self.ages]
        copies = []
        for served in [self.now] + [self.now - age for since, age in kept if self.now - age >= since]:
            for age in self._snapshot_ages(served):
                keys = self._database(served - age)
                shown = [lifecycle.published(keys, now=served + skew) for skew in (-ERROR, ERROR)]
                copies += [frozenset(key.kid for key in one) for one in shown if keys]
        return copies

    # --- the promises ------------------------------------------------------------------------------------------------

    @invariant()
    def every_api_accepts_what_lives(self) -> None:
        """P1 and P2, for APIs whose clock is slow and that grant the whole leeway."""
        revoked = {key.kid for key in self.keys if key.revoked_at is not None}
        slow = self.policy.leeway + ERROR
        alive = {kid for kid, dies in self.dies.items() if self.now < dies + slow} - revoked
        for copy in self._copies():
            assert alive <= copy, f"{sorted(alive - copy)} signed, and an API has {sorted(copy)} only"

    @invariant()
    def a_revoked_key_is_gone_from_every_copy_in_time(self) -> None:
        """P3."""
        bound = self.in_force.propagation
        gone = {key.kid for key in self.keys if key.revoked_at and self.now > key.revoked_at + bound}
        assert not any(gone & copy for copy in self._copies()), "a revoked key is still accepted"

    @invariant()
    def nodes_switch_together(self) -> None:
        """P4: nodes whose clocks are right sign with one key, however old their snapshots are; revocation excepted."""
        signers = {
            key.kid for keys, skew in self._nodes() if not skew and (key := lifecycle.signer(keys, now=self.now))
        }
        revoked = {key.kid for key in self.keys if key.revoked_at is not None}
        assert len(signers - revoked) <= self.signers_at_once, f"{sorted(signers)} sign at once"

    @invariant()
    def something_signs(self) -> None:
        """P5. A node whose clock is slow may refuse for a moment after a revocation, no longer than clocks differ."""
        recent = [key.revoked_at for key in self.keys if key.revoked_at and key.revoked_at > self.now - 3 * ERROR]
        for keys, skew in self._nodes():
            if self.now > START + 2 * ERROR and not (recent and skew < timedelta(0)):
                assert lifecycle.signer(keys, now=self.now + skew) is not None, "nothing signs"

    @invariant()
    def a_superseded_key_never_signs_again(self) -> None:
        """Two keys sign for N + 2δ at the most; one that was revoked superseded nothing if it had hardly begun."""
        revoked = {key.kid for key in self.keys if key.revoked_at is not None}
        firsts = sorted(first for kid, (first, _) in self.signed.items() if kid not in revoked)
        for first, last in self.signed.values():
            following = next((one for one in firsts if one > first), None)
            bound = self.in_force.last_signature + ERROR  # a commit may take δ
            assert following is None or last <= following + bound, "a superseded key signs again"


class Hurried(World):
    """Where a switch may happen before every node knows of it: P1 and P2 do not rest on nodes switching together."""

    signers_at_once = 2


def prove(machine: type[World], *, examples: int, shrink: bool = False) -> None:
    stages = (Stage.generate, Stage.shrink) if shrink else (Stage.generate,)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize=True,
            phases=stages,
            suppress_health_check=list(HealthCheck),
        ),
    )


def weaker(name: str, rule: Callable[..., timedelta]) -> AbstractContextManager[object]:
    return patch.object(Policy, name, rule if name == "last_acceptance" else property(rule))


AT_ONCE = weaker("switch", lambda p: -p.clock_error)


def test_the_promises_hold_whatever_happens() -> None:
    prove(World, examples=100)


def test_no_token_breaks_even_where_nodes_do_not_switch_together() -> None:
    with AT_ONCE:
        prove(Hurried, examples=100)


def test_p1_weakened_by_a_second_lets_a_key_sign_that_an_api_cannot_have() -> None:
    a_second_less = weaker(
        "propagation", lambda p: p.snapshot_age + p.shared_cache + p.api_copy + 2 * p.clock_error - SECOND
    )
    with a_second_less, pytest.raises(AssertionError, match="signed, and an API has"):
        prove(World, examples=400)


def test_p2_weakened_by_a_second_withdraws_a_key_before_its_last_token_dies() -> None:
    a_second_less = weaker(
        "last_acceptance", lambda p, lifetime: p.snapshot_age + lifetime + p.leeway + 4 * p.clock_error - SECOND
    )
    with AT_ONCE, a_second_less, pytest.raises(AssertionError, match="signed, and an API has"):
        prove(Hurried, examples=400)


def test_a_switch_planned_a_second_too_soon_splits_the_nodes() -> None:
    with weaker("switch", lambda p: p.snapshot_age - SECOND), pytest.raises(AssertionError, match="sign at once"):
        prove(World, examples=400)


def test_a_node_that_goes_by_a_snapshot_older_than_n_splits_the_nodes() -> None:
    class Disobedient(World):
        obeyed_age = POLICY.snapshot_age + SECOND

    with pytest.raises(AssertionError, match=r"sign at once|an API has"):
        prove(Disobedient, examples=400)


def test_a_longer_token_that_its_key_does_not_know_of_outlives_the_key() -> None:
    class Longer(World):
        def sign(self) -> None:
            super().sign()
            self.dies = {kid: dies + SECOND * 40 for kid, dies in self.dies.items()}

    with pytest.raises(AssertionError, match="an API has"):
        prove(Longer, examples=400)


def test_a_revoked_key_shown_a_second_too_long_is_found_out() -> None:
    a_second_less = weaker(
        "propagation",
        lambda p: p.snapshot_age + p.shared_cache + p.api_copy + ERROR - SECOND,
    )
    with a_second_less, pytest.raises(AssertionError, match=r"revoked key is still accepted|an API has"):
        prove(World, examples=400)


def test_a_key_cancelled_a_second_too_late_has_signed_already() -> None:
    a_second_less = weaker("last_signature", lambda p: p.snapshot_age + 2 * p.clock_error - SECOND)
    with a_second_less, pytest.raises(AssertionError, match=r"an API has|signs again"):
        prove(World, examples=400)
