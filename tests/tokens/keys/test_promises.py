"""The rules P1 to P6 (docs/why-rotation-is-safe.md) hold in every run of tests/tokens/keys/world.py.

If one duration in the code is a second too short, some run breaks one of the rules.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import Phase as Stage
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.tokens.keys.world import SECOND, World
from tokens.keys import rotation
from tokens.keys.rules import discard, lifecycle, succession
from tokens.keys.rules.discard import Discarded
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import Policy


class Abrupt(World):
    """A world in which a planned key can start before every node has read the date of its start.

    Two keys can then sign at the same time. The rules P1 and P2 (docs/why-rotation-is-safe.md) must hold nevertheless.
    """

    signers_at_once = 2


class Steady(World):
    """A world in which settings do not change and no step crashes."""

    crashes = False
    change_settings = None
    rotate_when_the_longer_timings_run_out = None


class Revoking(Steady):
    """A world in which keys are rotated and revoked."""

    cancel = None
    cancel_at_the_last_moment = None


class Cancelling(Steady):
    """A world in which keys are rotated and cancelled."""

    revoke = None
    revoke_and_flush_sooner = None


class Rotating(Cancelling):
    """A world in which keys are rotated, but neither revoked nor cancelled."""

    cancel = None
    cancel_at_the_last_moment = None


class RotatingAbruptly(Rotating):
    """A world in which keys are rotated, but neither revoked nor cancelled.

    A planned key can start before every node has read the date of its start.
    """

    signers_at_once = 2


class Changing(World):
    """A world in which keys are rotated while the settings change."""

    revoke = None
    revoke_and_flush_sooner = None
    cancel = None
    cancel_at_the_last_moment = None


def prove(machine: type[World], *, examples: int, start: int = 0) -> None:
    """Run the state machine (world) `examples` times, and fail if a run breaks a rule.

    `start` is the seed of Hypothesis.
    """
    # Hypothesis also draws from the constants of the modules that happen to be loaded: a seed alone fixes no run.
    run_state_machine_as_test(
        seed(start)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            database=None,
            phases=(Stage.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )


def assert_breaks(promise: str, machine: type[World]) -> None:
    """Search with ten seeds for a run that breaks a given rule before any other rule. Fail if there is no such run.

    `promise` is a regular expression that matches the error message of the given rule.
    """
    for start in range(10):
        try:
            prove(machine, examples=200, start=start)
        except AssertionError as broken:
            if re.search(promise, str(broken)):
                return
    pytest.fail(f"no run broke {promise!r}")


def weaker(name: str, rule: Callable[..., timedelta]) -> AbstractContextManager[object]:
    return patch.object(Policy, name, rule if name == "last_acceptance" else property(rule))


def a_second_less(name: str) -> AbstractContextManager[object]:
    """Return a context manager: in its block, the duration `name` of each key policy is a second shorter."""
    whole = getattr(Policy, name)
    if name == "last_acceptance":
        return weaker(name, lambda p, lifetime: whole(p, lifetime) - SECOND)
    return weaker(name, lambda p: whole.fget(p) - SECOND)


AT_ONCE = weaker("switch", lambda p: -p.clock_error)


def test_the_promises_hold_in_every_run() -> None:
    prove(World, examples=150)


def test_no_token_breaks_although_nodes_do_not_switch_together() -> None:
    with AT_ONCE:
        prove(Abrupt, examples=150)


@pytest.mark.parametrize(
    ("name", "world", "broken"),
    [
        ("propagation", Cancelling, "P1: .* signed, and an API has"),
        ("rejection", Revoking, "P3: .* is revoked, and still accepted"),
        ("switch", Rotating, "P4: .* sign at once"),
        ("last_signature", Cancelling, "was cancelled, and signs"),
        ("settles", Changing, "plans do not assume a timing"),
    ],
)
def test_each_duration_a_second_shorter_breaks_a_promise(name: str, world: type[World], broken: str) -> None:
    with a_second_less(name):
        assert_breaks(broken, world)


def test_p2_weakened_by_a_second_withdraws_a_key_before_its_last_token_expires() -> None:
    with AT_ONCE, a_second_less("last_acceptance"):
        assert_breaks("P2: tokens of", RotatingAbruptly)


@pytest.mark.parametrize("mutant", [lambda p: p.propagation, lambda _: SECOND])
def test_longer_timings_that_are_not_assumed_long_enough_break_a_promise(mutant: Callable[[Policy], timedelta]) -> None:
    with weaker("settles", mutant):
        assert_breaks(r"plans do not assume|P\d", Changing)


def without_a_flush(done: Discarded, *_: object, **__: object) -> Discarded:
    return done


def flushed_by_the_standby(done: Discarded, _: object, *, at: datetime, now: datetime, policy: Policy) -> Discarded:
    """Return `done` with a deliberate fault: its flush at `at` is a switch to the standby key, not to a new key.

    The function replaces `discard._with_flush`. `done` has the keys after the revocation. A flush must make verifiers
    fetch the JWKS, so that they drop the revoked key. But a verifier can have a JWKS with both the revoked key and the
    standby key. It knows the standby key, so it does not fetch the JWKS, and keeps the revoked key.
    """
    flush = replace(lifecycle.standby(done.keys), signs_at=at)  # type: ignore[type-var]  # there is one
    keys = [flush if key.kid == flush.kid else key for key in done.keys]
    return replace(done, keys=succession.withdrawals(keys, policy=policy, now=now), flush=flush)


def flushed_too_late(
    done: Discarded, fresh: Sequence[Key], *, at: datetime, now: datetime, policy: Policy
) -> Discarded:
    return flushed(done, fresh, at=at + 2 * policy.clock_error + SECOND, now=now, policy=policy)


def beside_later_switches(done: Discarded, fresh: Sequence[Key], *, at: datetime, **given: Any) -> Discarded:
    """Return `done` with a flush, but keep planned switches that should be cancelled.

    The function replaces `discard._with_flush`, which cancels the planned switches that start at or after the flush.
    `done` has the keys after the revocation. The flush is the switch that makes verifiers drop the revoked key.
    """
    with patch.object(discard, "_starts_from", lambda *_: False):
        return flushed(done, fresh, at=at, **given)


flushed = discard._with_flush


@pytest.mark.parametrize(
    ("mutant", "world"),
    [
        (without_a_flush, Revoking),
        (flushed_by_the_standby, Revoking),
        (flushed_too_late, Revoking),
        (beside_later_switches, Revoking),
    ],
)
def test_a_flush_that_is_missing_late_or_by_an_old_key_leaves_a_revoked_key_trusted(
    mutant: Callable[..., Discarded], world: type[World]
) -> None:
    with patch.object(discard, "_with_flush", mutant):
        assert_breaks("P6: ", world)


def test_a_standby_that_is_older_than_a_revocation_and_not_replaced_breaks_p6() -> None:
    with patch.object(rotation.lifecycle, "is_stale", lambda *_: False):
        assert_breaks("P6: ", Revoking)


def test_a_flush_a_second_before_the_bound_of_shared_caches_refuses_tokens_after_a_fetch() -> None:
    with a_second_less("refetch"):
        assert_breaks("P1: ", Revoking)


def test_a_key_that_takes_over_at_once_a_second_too_late_leaves_nodes_without_a_signer() -> None:
    def late(successor: lifecycle.Key, **given: object) -> datetime:
        return at_once(successor, **given) + SECOND  # type: ignore[arg-type]  # as they were given

    at_once = discard._immediate_start
    with patch.object(discard, "_immediate_start", late):
        assert_breaks("P5: nothing signs", Revoking)


def test_a_node_with_a_snapshot_a_second_older_than_n_breaks_p4() -> None:
    class Disobedient(Rotating):
        overstays = SECOND

    assert_breaks(r"P4: .* sign at once", Disobedient)


def test_a_token_a_second_longer_than_its_key_allows_expires_after_its_key_leaves_the_jwks() -> None:
    class Longer(RotatingAbruptly):
        longer = SECOND

    with AT_ONCE:
        assert_breaks("P2: tokens of", Longer)


def test_tokens_a_second_longer_before_their_key_allows_it_break_p2() -> None:
    """A node that takes the token lifetime from the settings, and not from the key, breaks rule P2.

    After the lifetime in the settings is raised, the node signs tokens that expire later than the key allows.
    """

    class Eager(RotatingAbruptly):
        @rule()
        def raise_the_lifetime(self) -> None:
            self.settings = replace(self.settings, token_lifetime=self.settings.token_lifetime + SECOND)

        def sign(self) -> None:
            super().sign()
            for state, skew in self._nodes():
                if key := lifecycle.signer(state.keys, now=self.now + skew):
                    lifetime = self.settings.token_lifetime + state.obeyed.leeway + 2 * state.error
                    self.expires[key.kid] = max(self.expires[key.kid], self.now + lifetime)

    with AT_ONCE:
        assert_breaks("P2: tokens of", Eager)


def test_a_private_half_destroyed_a_second_too_early_is_still_signed_with() -> None:
    """If a private key is destroyed a second before the last node stops signing with it, a run fails.

    A node that has not read the date of a switch signs with the old key for up to snapshot_age + clock_error. The code
    waits a further clock_error before it destroys the private key. The test removes this reserve and one second more.
    """

    def early(key: lifecycle.Key, keys: object, policy: Policy) -> datetime | None:
        at = destroyable_at(key, keys, policy)  # type: ignore[arg-type]  # as they were given
        return at - policy.clock_error - SECOND if at and not key.discarded else at

    destroyable_at = lifecycle.destroyable_at
    too_early = patch.object(lifecycle, "destroyable_at", early)
    with AT_ONCE, too_early:
        assert_breaks("signs, and its half is destroyed", RotatingAbruptly)
