"""A Hypothesis state machine that runs the real rules of keys under a fake clock.

Nodes and APIs obey the rules, but are as late as the rules allow, with clocks that are as wrong as allowed.

The world has:
- a database with the keys and timings of one ring
- nodes whose clock is wrong by up to clock_error, and whose snapshot is up to snapshot_age old
- a shared cache that keeps a JWKS for the time shared_cache
- APIs that use their copy of the JWKS for the time api_copy before they fetch the JWKS again
- "lazy" verifiers, which fetch the JWKS only for a kid that their copy lacks; the copy can be any JWKS served so far
- an operator who changes settings, rotates, revokes and cancels; a step commits at once, commits late, or crashes

After each step the rules P1 to P6 (docs/why-rotation-is-safe.md) are checked: every obedient API must accept a token
until it expires.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tokens.keys import adoption, rotation
from tokens.keys.errors import Unsafe
from tokens.keys.rules import discard, lifecycle, succession
from tokens.keys.rules.inequalities import problems
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import Policy, raised

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LATE = timedelta(milliseconds=1)
"""How long before the last allowed instant each event happens: nodes and APIs are as late as allowed."""


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
        announce=200,
        rotate_every=200,
        keep=24,
    )
)
CHANGES = [
    *(("snapshot_age", value) for value in (4, 8, 16)),
    *(("shared_cache", value) for value in (2, 5, 20)),
    *(("api_copy", value) for value in (5, 20, 60)),
    *(("clock_error", value) for value in (1, 2, 4)),
    *(("token_lifetime", value) for value in (10, 30, 90)),
    *(("leeway", value) for value in (1, 3, 80)),
    *(("keep", value) for value in (24, 90)),
]
RingRow = SimpleNamespace
"""Stands in for a ring's row, with its timings."""


@dataclass(frozen=True, slots=True)
class State:
    """The content of the database after a commit. Nodes that have read this state use its keys and timings."""

    since: datetime
    keys: tuple[Key, ...]
    obeyed: Policy

    @property
    def error(self) -> timedelta:
        """Return the largest clock error that an obedient node can have."""
        return self.obeyed.clock_error - LATE


class FakeLockedRing:
    """A replacement for `LockedRing`, which a step of a rotation reads and writes."""

    def __init__(self, keys: Sequence[Key], policy: Policy, now: datetime, *, lengthened: bool) -> None:
        self.row = SimpleNamespace(name="default")
        self.keys, self.policy, self.now = tuple(keys), policy, now
        self.lengthened, self.adopted = lengthened, lengthened
        self.after = {key.kid: key for key in keys}

    @property
    def stored(self) -> list[Any]:
        return [SimpleNamespace(key=key, sealed=None if key.private_destroyed_at else b"") for key in self.keys]

    def save(self, after: Sequence[Key]) -> None:
        self.after |= {key.kid: key for key in after if key.kid in self.after}

    def add(self, pair: Any, key: Key) -> None:
        self.after[pair.kid] = key

    def record(self, *_: Any, **__: Any) -> None:
        """Do nothing, because this world has no audit trail."""


class World(RuleBasedStateMachine):
    """A simulated issuer with its nodes, an operator and APIs, as a Hypothesis state machine.

    Subclasses leave out events, or let nodes break the rules.
    """

    policy = POLICY
    overstays = timedelta(0)
    """How much longer than N a node uses its snapshot. Zero for an obedient node."""
    longer = timedelta(0)
    """How much longer a node's tokens are than its key allows. Zero for an obedient node."""
    signers_at_once = 1
    crashes = True

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.settings = self.policy
        self.ring = RingRow(policy=self.policy.to_json(), assumed=None, assumed_until=None)
        self.keys: tuple[Key, ...] = ()
        self.states: list[State] = []
        self.obeyed_until: list[tuple[datetime, Policy]] = []
        """Timings that were obeyed earlier, each with the instant at which others were adopted."""
        self.expires: dict[str, datetime] = {}
        """When the last token of a key expires for the slowest and most lenient API, by kid."""
        self.signed: dict[str, tuple[datetime, datetime]] = {}
        """When a key signed first and last, by kid."""
        self.rejected: dict[str, datetime] = {}
        """Until when a revoked key can be accepted, by kid, as an operator whose clock is fast computes it."""
        self.excused_until = START + 2 * self.policy.clock_error
        """Until when a node whose clock is slow can lack a signer."""
        self.flushes: dict[str, datetime] = {}
        """When the flush of a revoked key is promised, by kid."""
        self.shortened: dict[str, datetime] = {}
        """Until when copies that are renewed by age alone can lack the key of a shortened flush, by its kid."""
        self.served: set[frozenset[str]] = set()
        """Every JWKS that was ever served. A lazy verifier can have any of them."""
        self.widest = self.policy
        self.serial = 0

    # --- the operator ------------------------------------------------------------------------------------------------

    @initialize()
    def first_key(self) -> None:
        locked = FakeLockedRing((), self.policy, self.now, lengthened=False)
        rotation._step(locked, self._pairs(), early=False)
        self.keys = tuple(locked.after.values())
        self.states.append(State(self.now, self.keys, self.policy))

    def _pairs(self) -> list[Any]:
        self.serial += 2
        return [SimpleNamespace(kid=f"k{self.serial + more}") for more in (-1, 0)]

    @rule(change=st.sampled_from(CHANGES))
    def change_settings(self, change: tuple[str, float]) -> None:
        """Change one timing in the settings, unless the changed settings would be invalid.

        `change` has the timing's name and its new value in seconds. The next step stores the change with the ring.
        """
        name, value = change
        settings = replace(self.settings, **{name: timedelta(seconds=value)})
        if not list(problems(settings)):
            self.settings = settings

    def _hold(self) -> tuple[RingRow, tuple[Key, ...], Policy]:
        """Return the data with which a step begins: the ring, its keys, and the policy for new dates.

        The ring gets the timings that are in the settings. If these are longer than before, the dates of the keys are
        moved to later instants. In the issuer, `lock.hold` does the same.
        """
        ring = RingRow(**vars(self.ring))
        before = adoption.assumed(ring)
        policy = adoption.adopt(ring, self.settings, now=self.now, write=False)
        return ring, succession.lengthen(self.keys, before=before, policy=policy, now=self.now), policy

    def _commit(self, ring: RingRow, keys: Sequence[Key], *, crash: bool, late: bool) -> bool:
        """Commit the step, unless it crashes or changes nothing. Return True if it was committed.

        If `late`, the commit comes as late as allowed, after clock_error. The next step waits for the commit.
        """
        if (crash and self.crashes) or (tuple(keys) == self.keys and vars(ring) == vars(self.ring)):
            return False
        plans, began = Policy.from_json(ring.assumed or ring.policy), self.now
        if late:
            self._pass(plans.clock_error - LATE)
        if ring.policy != self.ring.policy:
            self.obeyed_until.append((began, Policy.from_json(self.ring.policy)))
        self.ring, self.keys, self.widest = ring, tuple(keys), raised(self.widest, plans)
        self.states.append(State(self.now, self.keys, Policy.from_json(ring.policy)))
        return True

    @rule(early=st.booleans(), crash=st.booleans(), late=st.booleans())
    def rotate(self, early: bool, crash: bool, late: bool) -> None:
        """Take the next step of a rotation.

        If `early`, the next switch is planned for the earliest safe instant. If `crash`, the step crashes before its
        commit. If `late`, the commit comes as late as the rules allow.
        """
        ring, keys, policy = self._hold()
        locked = FakeLockedRing(keys, policy, self.now, lengthened=keys != self.keys)
        rotation._step(locked, self._pairs(), early=early)
        if self._commit(ring, tuple(locked.after.values()), crash=crash, late=late):
            self._plans_keep_the_flushes(excused=lambda _: locked.adopted)

    @rule(data=st.data(), crash=st.booleans(), late=st.booleans())
    def revoke(self, data: st.DataObject, crash: bool, late: bool) -> None:
        """Revoke any live key, as `revoke_key` without --accept-outage does.

        `data` draws the key. If `crash`, the step crashes before its commit. If `late`, the commit comes as late as the
        rules allow.
        """
        live = [key.kid for key in self.keys if lifecycle.phase(key, self.keys, now=self.now) in lifecycle.PUBLISHED]
        self._revoke(data.draw(st.sampled_from(live)), crash=crash, late=late)

    @rule(data=st.data(), share=st.sampled_from([0.0, 0.1, 0.5]), late=st.booleans())
    def revoke_and_flush_sooner(self, data: st.DataObject, share: float, late: bool) -> None:
        """Revoke any live key, as `revoke_key --flush-after` does.

        `data` draws the key. The flush, which makes verifiers drop the key, comes earlier than usual. `share` places
        it between the earliest permitted instant (0.0) and the usual instant (1.0). If `late`, the revocation is
        committed as late as the rules allow.
        """
        live = [key.kid for key in self.keys if lifecycle.phase(key, self.keys, now=self.now) in lifecycle.PUBLISHED]
        self._revoke(data.draw(st.sampled_from(live)), share=share, late=late)

    def _revoke(self, kid: str, *, crash: bool = False, late: bool = False, share: float = 1.0) -> None:
        """Revoke `kid`, and plan its flush, the switch that makes verifiers drop the key.

        `share` places the flush between the earliest permitted instant (0.0) and the usual instant (1.0). If `crash`,
        the operator's step crashes before the revocation is committed. If `late`, the revocation is committed as late
        as the rules allow.
        """
        self.now = discard.instant_of_revocation(self.keys, now=self.now)
        ring, keys, policy = self._hold()
        began, signing = self.now, lifecycle.signer(keys, now=self.now)
        flush_at = began + policy.refetch + share * (policy.flush - policy.refetch)
        done = discard.revoke(keys, [kid], fresh=self._fresh(policy), now=began, policy=policy, flush_at=flush_at)
        ended = {key.kid for key in done.keys if began in (key.revoked_at, key.cancelled_at)}
        after = [replace(key, private_destroyed_at=began) if key.kid in ended else key for key in done.keys]
        if done.outage_until is None and self._commit(ring, after, crash=crash, late=late):
            self.rejected[kid] = began + policy.rejection - (policy.clock_error - LATE)
            if done.flush and flush_at < began + policy.propagation:
                self.shortened[done.flush.kid] = began + policy.propagation
            self._plans_keep_the_flushes(excused=lambda earlier: self._moves_its_flush(earlier, kid, done.successor))
            self.flushes[kid] = flush_at
            if signing and signing.start and signing.start > began - policy.clock_error:
                self.excused_until = signing.start + 2 * policy.clock_error

    @rule(data=st.data(), crash=st.booleans(), late=st.booleans())
    def cancel(self, data: st.DataObject, crash: bool, late: bool) -> None:
        """Choose an announced key, and cancel it unless nodes might be about to sign with it.

        `data` draws the key. If `crash`, the step crashes before its commit. If `late`, the commit comes as late as the
        rules allow.
        """
        phases = {key.kid: lifecycle.phase(key, self.keys, now=self.now) for key in self.keys}
        announced = [kid for kid, phase in phases.items() if phase is lifecycle.Phase.ANNOUNCED]
        if announced:
            self._cancel(data.draw(st.sampled_from(announced)), crash=crash, late=late)

    def _cancel(self, kid: str, *, crash: bool = False, late: bool = False) -> None:
        ring, keys, policy = self._hold()
        with suppress(Unsafe):
            done = discard.cancel(keys, kid, fresh=self._fresh(policy), now=self.now, policy=policy)
            after = [replace(key, private_destroyed_at=self.now) if key.kid == kid else key for key in done.keys]
            if self._commit(ring, after, crash=crash, late=late):
                self._plans_keep_the_flushes(excused=lambda _: True)  # an operator cancels a flush knowingly

    def _plans_keep_the_flushes(self, *, excused: Callable[[Key], bool]) -> None:
        """Check that the last step removed no planned flush, and delayed none.

        A flush is a switch to a new signing key, by which verifiers notice that a key was revoked, and drop it (rule
        P6, docs/why-rotation-is-safe.md). It may be delayed if `excused`, called with the revoked key, returns True.
        """
        for kid, until in self.flushes.items():
            revoked = next(key for key in self.keys if key.kid == kid)
            flush = lifecycle.flush(revoked, self.keys)
            assert flush is not None, f"P6: {kid} is revoked, and its flush is not planned any more"
            assert flush.start is not None
            assert flush.start <= until or excused(revoked), f"P6: the flush of {kid} is delayed"
            self.flushes[kid] = flush.start

    def _moves_its_flush(self, earlier: Key, revoked: str, successor: Key | None) -> bool:
        """Return True if the revocation of the key `revoked` may delay the flush of the key `earlier`.

        The key `earlier` was revoked some time before. Its flush is the planned switch that makes verifiers drop it. A
        delay is allowed in three cases:
        - `revoked` was announced after the revocation of `earlier`.
        - `successor`, the key that takes over from `revoked`, was announced before the revocation of `earlier`.
        - The timings in the settings differ from those that are stored with the ring.
        """
        assert earlier.revoked_at is not None
        announced = next(key.announced_at for key in self.keys if key.kid == revoked)
        is_older = successor is not None and successor.announced_at < earlier.revoked_at
        return is_older or announced >= earlier.revoked_at or self.settings != Policy.from_json(self.ring.policy)

    def _fresh(self, policy: Policy) -> list[Key]:
        lifetime = policy.token_lifetime
        return [Key(kid=pair.kid, announced_at=self.now, max_lifetime=lifetime) for pair in self._pairs()]

    # --- the world ---------------------------------------------------------------------------------------------------

    @rule()
    def the_planned_key_takes_over(self) -> None:
        """Let time pass until every node signs with the planned key, even a node whose clock is slow."""
        coming = lifecycle.planned(self.keys, now=self.now)
        if coming is not None and coming.start is not None:
            self._pass(coming.start + self.widest.clock_error - self.now)

    @rule(step=st.sampled_from([0.5, 2, 5, 11, 29, 61, 201]))
    def time_passes(self, step: float) -> None:
        """Let `step` seconds pass.

        Nodes sign and APIs verify at every instant at which a node can begin to use another key.
        """
        self._pass(timedelta(seconds=step))

    @rule(late=st.booleans())
    def cancel_at_the_last_moment(self, late: bool) -> None:
        """Let time pass until the last instant at which the planned key may be cancelled, and cancel it.

        If `late`, the commit comes as late as the rules allow.
        """
        coming = lifecycle.planned(self.keys, now=self.now)
        if coming is not None and coming.start is not None:
            ahead = adoption.assumed(self.ring).last_signature
            self._pass(max(coming.start - ahead - LATE - self.now, timedelta(0)))
            self._cancel(coming.kid, late=late)

    @rule()
    def rotate_when_a_private_half_can_be_destroyed(self) -> None:
        """Take a step at the first instant at which the step can destroy a private key."""
        dates = [lifecycle.destroyable_at(key, self.keys, adoption.assumed(self.ring)) for key in self.keys]
        self._pass(min((at - self.now for at in dates if at and at > self.now), default=timedelta(0)))
        self.rotate(early=False, crash=False, late=False)

    @rule()
    def rotate_when_the_longer_timings_run_out(self) -> None:
        """Take a step at the instant `assumed_until`.

        Before that instant, steps still compute dates from the longer timings that the settings had before.
        """
        if self.ring.assumed_until is not None:
            self._pass(max(self.ring.assumed_until - self.now, timedelta(0)))
            self.rotate(early=False, crash=False, late=False)

    def _pass(self, span: timedelta) -> None:
        end = self.now + span
        while self.now < end:
            self.now = min(self._moment() or end, end)
            self.sign()
            self.every_api_accepts_valid_tokens()
            self.nodes_switch_together()
            self.every_copy_lacks_a_revoked_key_in_time()
            self.something_signs()

    def _moment(self) -> datetime | None:
        """Return the next instant at which a node can change the key with which it signs.

        A node can be as early or as late as the rules allow. Returns None if there is no such instant.
        """
        moments = [at + LATE for at in self.rejected.values()]
        for state, ends in self._history():
            if ends:
                moments.append(ends - LATE)
            error = state.error
            for key in state.keys if ends is None or ends > self.now else ():
                if key.start:
                    moments += [key.start - error, key.start, key.start + error - LATE]
                if key.withdraw_at:
                    moments.append(key.withdraw_at - error)
        return min((moment for moment in moments if moment > self.now), default=None)

    def _history(self) -> Iterator[tuple[State, datetime | None]]:
        """Yield the recent states, the newest first. With each state, yield the instant from which on no node uses it.

        The instant is None for the current state. A state that was replaced more than 250 seconds ago is left out.
        """
        superseded: datetime | None = None
        for state in reversed(self.states):
            ends = superseded and superseded + state.obeyed.snapshot_age + self.overstays - LATE
            if superseded and superseded < self.now - timedelta(seconds=250):
                return
            yield state, ends
            superseded = state.since

    def _nodes(self) -> list[tuple[State, timedelta]]:
        """Return the obedient nodes, each as the state that the node has read and the error of its clock.

        The state was read up to snapshot_age ago. The clock is slow, right or fast.
        """
        usable = [state for state, ends in self._history() if ends is None or self.now < ends]
        return [(state, skew) for state in usable for skew in (-state.error, timedelta(0), state.error)]

    def sign(self) -> None:
        """Let each node sign a token with the longest allowed lifetime. Its `exp` is computed by a fast clock."""
        present = {key.kid: key for key in self.keys}
        for state, skew in self._nodes():
            self.served.add(frozenset(key.kid for key in lifecycle.published(state.keys, now=self.now + skew)))
            if key := lifecycle.signer(state.keys, now=self.now + skew):
                self._lazy_verifiers_meet(key.kid)
                assert present[key.kid].cancelled_at is None, f"{key.kid} was cancelled, and signs"
                if present[key.kid].revoked_at is None:
                    assert present[key.kid].private_destroyed_at is None, f"{key.kid} signs, and its half is destroyed"
                lifetime = key.max_lifetime + state.obeyed.leeway + 2 * state.error + self.longer
                self.expires[key.kid] = max(self.expires.get(key.kid, START), self.now + lifetime)
                first, _ = self.signed.get(key.kid, (self.now, self.now))
                self.signed[key.kid] = (first, self.now)

    def _lazy_verifiers_meet(self, kid: str) -> None:
        """Let lazy verifiers get a token that `kid` signed. Check that none of them trusts a key after its flush.

        A lazy verifier can have any JWKS that was ever served, and fetches the JWKS only if its copy lacks `kid`. The
        flush of a revoked key is the switch that makes these verifiers drop it (rule P6, docs/why-rotation-is-safe.md).
        """
        revoked, policy = self._revoked(), self.widest
        # If nodes do not switch together, one signs with the previous key for longer.
        late = policy.clock_error if self.signers_at_once == 1 else policy.last_signature
        gone = {flushed for flushed, until in self.flushes.items() if self.now > until + late} - {kid}
        for copy in self.served if gone and kid not in revoked else ():
            trusted = gone & copy if kid in copy else frozenset()
            assert not trusted, f"P6: {sorted(trusted)} is flushed, and trusted beside {kid}, which signs"

    def _copies(self, *, fetched: bool = False) -> Iterator[tuple[State, frozenset[str]]]:
        """Yield copies of the JWKS that obedient APIs can have now.

        Each copy is a pair: the state of the database from which it was served, and the kids of its keys. Of each
        state, these are the newest and the oldest possible copy. The oldest one is as old as the shared cache and the
        API may keep it. If `fetched`, the API fetches now, so only the shared cache has kept the copy.
        """
        for state, ends in self._history():
            age = state.obeyed.shared_cache + (timedelta(0) if fetched else state.obeyed.api_copy) - LATE
            last, first = min(self.now, ends or self.now), max(state.since, self.now - age)
            if first <= last:
                for served in (last + state.error, first - state.error):
                    yield state, frozenset(key.kid for key in lifecycle.published(state.keys, now=served))

    # --- the promises ------------------------------------------------------------------------------------------------

    def _revoked(self) -> set[str]:
        return {key.kid for key in self.keys if key.revoked_at is not None}

    @invariant()
    def every_api_accepts_valid_tokens(self) -> None:
        """Check that the JWKS copy of every API has the key of each valid token.

        These are the rules P1 and P2 (docs/why-rotation-is-safe.md). A revocation can plan a new key that starts
        earlier than usual. Until the instant in `shortened`, an older copy may lack this key. But a copy that an API
        fetches now must have it.
        """
        valid = {kid for kid, expires in self.expires.items() if self.now < expires} - self._revoked()
        shortened = {kid for kid, until in self.shortened.items() if self.now < until}
        for fetched, alive in ((False, valid - shortened), (True, valid & shortened)):
            self._accepts(alive, fetched=fetched)

    def _accepts(self, alive: set[str], *, fetched: bool) -> None:
        for state, copy in self._copies(fetched=fetched) if alive else ():
            present = {key.kid for key in state.keys}
            assert alive <= copy | present, f"P1: {sorted(alive - present)} signed, and an API has {sorted(copy)} only"
            assert alive <= copy, f"P2: tokens of {sorted(alive - copy)} live, and it is withdrawn"

    @invariant()
    def every_copy_lacks_a_revoked_key_in_time(self) -> None:
        """Check that no API accepts a revoked key after the promised instant.

        This is rule P3 (docs/why-rotation-is-safe.md).
        """
        gone = {kid for kid, until in self.rejected.items() if self.now > until}
        for _, copy in self._copies() if gone else ():
            assert not gone & copy, f"P3: {sorted(gone & copy)} is revoked, and still accepted"

    @invariant()
    def nodes_switch_together(self) -> None:
        """Check that nodes whose clocks are right sign with the same key, unless a key is revoked.

        This is rule P4 (docs/why-rotation-is-safe.md).
        """
        right = [state.keys for state, skew in self._nodes() if not skew]
        signers = {key.kid for keys in right if (key := lifecycle.signer(keys, now=self.now))}
        assert len(signers - self._revoked()) <= self.signers_at_once, f"P4: {sorted(signers)} sign at once"

    @invariant()
    def something_signs(self) -> None:
        """Check that every node has a key with which it can sign (rule P5, docs/why-rotation-is-safe.md).

        There is no check before `excused_until`. Until then, a node whose clock is slow can lack such a key. There are
        two cases: the first key has just started to sign, or a key was revoked just after its start.
        """
        for state, skew in self._nodes() if self.now >= self.excused_until else ():
            assert lifecycle.signer(state.keys, now=self.now + skew), "P5: nothing signs"

    @invariant()
    def a_superseded_key_never_signs_again(self) -> None:
        """Check that a key stops signing soon after the start of its successor.

        This is a part of rule P4 (docs/why-rotation-is-safe.md). After this start, the key may sign for at most
        snapshot_age + 3 * clock_error. This includes one clock_error for a commit that is late. A key that was revoked
        does not count as a successor.
        """
        firsts = sorted(first for kid, (first, _) in self.signed.items() if kid not in self._revoked())
        for kid, (first, last) in self.signed.items():
            superseded = next((later for later in firsts if later > first), None)
            bound = self.widest.last_signature + self.widest.clock_error  # a commit may take δ
            assert superseded is None or last <= superseded + bound, f"P4: {kid} is superseded, and signs again"

    @invariant()
    def plans_assume_every_timing_in_use(self) -> None:
        """Check that steps compute dates from former timings, too, as long as these are longer and still in use.

        After a change of the settings, the former timings are in use until two things have happened. Every API has the
        last key that was announced under them, and the last token that was signed under them has expired.
        """
        assumed = adoption.assumed(self.ring)
        for until, policy in self.obeyed_until:
            seen = policy.snapshot_age + policy.shared_cache + policy.api_copy + 2 * policy.clock_error
            expired = policy.snapshot_age + policy.token_lifetime + policy.leeway + 4 * policy.clock_error
            if self.states[-1].since < until + seen + expired:
                assert raised(policy, assumed) == assumed, "plans do not assume a timing that is still in use"
