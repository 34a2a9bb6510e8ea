"""Rotate a key ring: compute its one next safe step, and do the whole step or nothing.

`_step` computes the step from the ring as it was read under its lock. So if several runs start in the same second, one
acts and the others find nothing to do. The step is the first in this list that applies:

1. create: the ring has no key. Create one, and its standby.
2. announce: the ring has no standby. Announce one.
3. lengthen: the settings made a timing longer. `hold` has changed the dates of the keys already.
4. announce: the standby is stale, because a key was revoked after its announcement (`lifecycle.is_stale`). Replace the
   standby, unless it might have to replace the signing key at once (`_is_dispensable`).
5. plan: no switch is planned, although the signing key is due to be replaced, the operator wants the switch early, or
   a revoked key needs a flush, a switch that makes verifiers drop the key (`lifecycle.unflushed`). Set the instant at
   which the standby starts to sign, and announce the next standby.
6. destroy: no node can sign with a retired key any more. Destroy its private half.
7. nothing.

No step runs at the instant of a switch: each node computes the signer from the dates.

Worked example, with the timings of production (N is snapshot_age, 2 minutes; δ is clock_error, 1 minute) and
rotate_keys every minute:

    day 0            create     A signs at once; B is the standby
    day 90           plan       B signs in 3 minutes (N + δ), since every API has had it for 90 days; A leaves the
                                JWKS 7 days later; C is announced
    day 90, 0:03     (no step)  B signs, A is retired
    day 90, 0:07     destroy    A's private half: every node has known of the switch for 4 minutes (N + 2δ)
    day 97, 0:03     (no step)  A is withdrawn
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from tokens.keys import deadline, rings
from tokens.keys.clock import refuse_skew
from tokens.keys.key_pair import KeyPair
from tokens.keys.lock import LockedRing, hold
from tokens.keys.operation import Operation, Outcome
from tokens.keys.private_keys import fresh_pairs
from tokens.keys.rings import ANY, RingKind
from tokens.keys.rules import lifecycle, succession
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.languages import sentence


def rotate(
    operation: Operation,
    ring: str = DEFAULT_RING,
    *,
    kind: RingKind = ANY,
    early: bool = False,
    dry_run: bool = False,
    at: datetime | None = None,
) -> Outcome:
    """Take the next safe step of `ring`, under the timings of `operation`.

    - `kind` describes the key ring to create if there is no ring `ring`. An existing ring must be of this kind.
    - `early` plans the next switch for the earliest safe instant, even if the signing key is not due to be replaced.
    - `dry_run` computes the step and commits nothing. `at` replaces the database's clock, and needs `dry_run`.

    Raises:
        CannotOpen: A key does not decrypt or sign.
        Unsafe: This node's clock is wrong (`refuse_skew`), or keys could not be rotated safely under the timings.
        UnknownKey: The ring does not exist, and neither `kind` nor the ring's name determines an algorithm.
        WrongRing: The existing ring is of another kind, or the kind or name of a new ring is not supported.
        LockNotHad: Another process held the ring's lock for 30 s.
    """
    refuse_skew(operation.policy, now=operation.now)
    with _rolled_back(dry_run):
        with deadline.translated_errors():
            row = rings.find_or_make(ring, kind, policy=operation.policy)
        with (
            # Before the lock: an RSA key takes up to a second, and the lock holds up every other step.
            fresh_pairs(row, 1 if row.keys.exists() else 2) as pairs,
            hold(operation, ring, at=at, dry_run=dry_run) as locked,
        ):
            return replace(_step(locked, pairs, early=early), ring=ring)


@contextmanager
def _rolled_back(dry_run: bool) -> Iterator[None]:  # noqa: FBT001 (it decides what becomes of the block)
    """Roll back all changes of the block if `dry_run` is set, including the creation of a key ring."""
    if not dry_run:
        yield
        return
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _step(locked: LockedRing, pairs: Sequence[KeyPair], *, early: bool) -> Outcome:
    """Take the first step that applies, in the order of the list in the module's docstring.

    `pairs` are fresh key pairs for the keys that the step announces. `early` plans the next switch before it is due.
    """
    if not locked.stored:
        return _create(locked, pairs)
    standby, planned = lifecycle.standby(locked.keys), lifecycle.planned(locked.keys, now=locked.now)
    if standby is None:
        return _announce(locked, pairs[0])
    if locked.lengthened:
        message = sentence("adopted longer timings for the keys that live; in force since")
        return Outcome(step="lengthened", message=message, at=locked.now)
    if lifecycle.is_stale(standby, locked.keys) and _is_dispensable(planned, locked):
        return _replace_standby(locked, standby, pairs[0])
    due = lifecycle.due(locked.keys, policy=locked.policy, now=locked.now)
    if planned is None and (due <= locked.now or early or lifecycle.unflushed(locked.keys)):
        return _plan(locked, standby, pairs[0])
    if destroyable := _destroyable(locked):
        return _destroy(locked, destroyable)
    return _nothing(locked, standby, planned, due)


def _create(locked: LockedRing, pairs: Sequence[KeyPair]) -> Outcome:
    """Create the first key of a key ring, and its standby (the next key, whose start has no date yet)."""
    first = new_key(locked, pairs[0])
    first = replace(first, signs_at=_first_start(locked, first))
    standby = new_key(locked, pairs[1])
    locked.add(pairs[0], first)
    locked.add(pairs[1], standby)
    locked.record("key.created", first.kid, after=[first, standby])
    message = sentence("created the first key and its standby; signs from")
    return Outcome(step="created", message=message, kid=first.kid, at=first.signs_at)


def _first_start(locked: LockedRing, first: Key) -> datetime:
    # No copy of this issuer's JWKS can exist before the default ring has a key. Another ring's JWKS shows the default
    # ring's keys until then, and APIs can have copies of that.
    is_default = locked.row.name == DEFAULT_RING
    return locked.now if is_default else succession.earliest(first, now=locked.now, policy=locked.policy)


def _announce(locked: LockedRing, pair: KeyPair) -> Outcome:
    """Create a standby (the next key, whose start has no date yet) from `pair`, and announce the key in the JWKS."""
    standby = new_key(locked, pair)
    locked.add(pair, standby)
    locked.record("key.announced", standby.kid, after=[*locked.keys, standby])
    return Outcome(step="announced", message=sentence("announced a standby"), kid=standby.kid, at=locked.now)


def _is_dispensable(planned: Key | None, locked: LockedRing) -> bool:
    """Return True if the standby may be cancelled: no key is planned, or every API has the key `planned`.

    While some API lacks the planned key, this key cannot replace a revoked signing key at once without an outage. The
    standby is kept for this case.
    """
    return planned is None or lifecycle.seen_at(planned, locked.policy) <= locked.now


def _replace_standby(locked: LockedRing, standby: Key, pair: KeyPair) -> Outcome:
    """Cancel `standby`, which was announced before a key was revoked, and announce `pair` as the new standby."""
    # A verifier's copy of the JWKS can contain both the old standby and the revoked key. Then a switch to this standby
    # would not make the verifier fetch the JWKS and drop the revoked key (rule P6, docs/why-rotation-is-safe.md).
    fresh = new_key(locked, pair)
    after = [replace(standby, cancelled_at=locked.now, private_destroyed_at=locked.now)]
    locked.save(after)
    locked.add(pair, fresh)
    locked.record("key.announced", fresh.kid, after=[*after, fresh])
    message = sentence("announced another standby, because the last one is older than a revocation")
    return Outcome(step="announced", message=message, kid=fresh.kid, at=locked.now)


def _plan(locked: LockedRing, standby: Key, pair: KeyPair) -> Outcome:
    """Plan the standby's start at the earliest safe instant, and announce the next standby."""
    at = succession.earliest(standby, now=locked.now, policy=locked.policy)
    after = succession.supersede(locked.keys, standby.kid, at=at, now=locked.now, policy=locked.policy)
    next_standby = new_key(locked, pair)
    locked.save(after)  # first: a ring has room for one standby
    locked.add(pair, next_standby)
    locked.record("key.planned", standby.kid, after=[*after, next_standby], at=at)
    message = sentence("planned the switch, and announced the next standby; switches at")
    shown_from = locked.now + locked.policy.snapshot_age + locked.policy.clock_error
    return Outcome(
        step="planned", message=message, kid=standby.kid, at=at, announced=next_standby.kid, shown_from=shown_from
    )


def _destroyable(locked: LockedRing) -> list[Key]:
    """Return the keys whose private halves can be destroyed now, and are not destroyed yet."""
    whole = [row.key for row in locked.stored if row.sealed is not None]
    dates = {key.kid: lifecycle.destroyable_at(key, locked.keys, locked.policy) for key in whole}
    return [key for key in whole if (date := dates[key.kid]) is not None and date <= locked.now]


def _destroy(locked: LockedRing, keys: Sequence[Key]) -> Outcome:
    """Destroy the private halves of `keys`."""
    after = [replace(key, private_destroyed_at=locked.now) for key in keys]
    locked.save(after)
    locked.record("key.destroyed", keys[0].kid, after=after)
    message = sentence("destroyed the private half of {number} retired keys", number=len(keys))
    return Outcome(step="destroyed", message=message, kid=keys[0].kid, at=locked.now)


def _nothing(locked: LockedRing, standby: Key, planned: Key | None, due: datetime) -> Outcome:
    """Return the outcome of a run without a step. Its `at` is the planned switch, or `due` if no switch is planned."""
    adopted = sentence("adopted changed timings; ") if locked.adopted else ""
    if planned is not None:
        message = sentence("{adopted}already planned; switches at", adopted=adopted)
        return Outcome(step="nothing", message=message, kid=planned.kid, at=planned.signs_at)
    return Outcome(
        step="nothing", message=sentence("{adopted}nothing due; next step at", adopted=adopted), kid=standby.kid, at=due
    )


def new_key(locked: LockedRing, pair: KeyPair) -> Key:
    """Return a new key of the ring for the key pair `pair`. The key is announced now, and has no start date yet."""
    return Key(kid=pair.kid, announced_at=locked.now, max_lifetime=locked.policy.token_lifetime)
