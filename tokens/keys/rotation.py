"""Rotation: compute the one next safe step of a ring, and do it whole or not at all.

The ring's row is locked before anything is decided, and the decision is made from what is read under the lock: of many
runs in the same second one acts, and the others find nothing left to do.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from tokens.conf import issuer
from tokens.encryption import EncryptionKey
from tokens.keys import keystore, kids, rings, store
from tokens.keys.errors import WrongRing
from tokens.keys.key_pair import KeyPair
from tokens.keys.keystore import Keystore
from tokens.keys.lock import LockedRing, hold, locking, refuse_skew
from tokens.keys.rings import ANY, RingKind
from tokens.keys.rules import lifecycle, succession
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.policy import Policy
from tokens.models.key import Ring

TRIES = 10
"""One kid in 64 begins with a dash; that many in a row do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run did, or why it did nothing."""

    step: str
    """`created`, `planned`, `announced`, `lengthened`, `destroyed`, `rewrapped`, `cancelled` or `nothing`."""
    message: str
    kid: str | None = None
    at: datetime | None = None
    """When the step takes effect, or when the next one is due."""
    ring: str = DEFAULT_RING


def rotate(
    ring: str = DEFAULT_RING,
    *,
    policy: Policy,
    encryption_keys: Sequence[EncryptionKey],
    actor: str,
    now: datetime,
    kind: RingKind = ANY,
    hurry: bool = False,
    pretend: bool = False,
    at: datetime | None = None,
) -> Outcome:
    """Take the next safe step of `ring` under the policy that the settings propose.

    `kind` makes a further ring where there is none of that name. `hurry` plans the switch for the earliest safe instant
    although the signing key is young; `pretend` does everything and commits nothing, and then `at` may take the place
    of the database's clock. `now` is this node's clock, compared with the database's; dates are the database's, read
    under the lock. Raises CannotOpen when a key does not decrypt or fails its probe (nothing is replaced silently),
    Unsafe when clocks or policy forbid to plan, UnknownKey, WrongRing, LockNotHad after 30 s.
    """
    refuse_skew(policy, now=now)
    with _undone(pretend):
        with locking():
            row = rings.find_or_make(ring, kind, policy=policy)
        with (
            fresh_pairs(row, 1 if row.keys.exists() else 2) as pairs,
            hold(ring, proposed=policy, encryption_keys=encryption_keys, actor=actor, at=at, pretend=pretend) as held,
        ):
            return replace(_step(held, pairs, actor=actor, hurry=hurry), ring=ring)


def cancel(kid: str, *, policy: Policy, encryption_keys: Sequence[EncryptionKey], actor: str, now: datetime) -> Outcome:
    """Cancel a key before it signs. If its switch was planned, the standby takes its place.

    `kid` can be the beginning of one. Raises UnknownKey for a key that is not announced, Unsafe if nodes might begin to
    sign with it at any moment, and what `rotate` raises.
    """
    refuse_skew(policy, now=now)
    key = kids.find(kid)
    kid, row = key.kid, key.ring
    with (
        fresh_pairs(row, 2) as pairs,
        hold(row.name, proposed=policy, encryption_keys=encryption_keys, actor=actor) as held,
    ):
        fresh = [_new(held, pair) for pair in pairs]
        outcome = succession.cancel(held.keys, kid, fresh=fresh, now=held.now, policy=held.policy)
        after = [replace(key, private_destroyed_at=held.now) if key.kid == kid else key for key in outcome.keys]
        held.save(after)
        for pair in pairs:
            if added := next((key for key in after if key.kid == pair.kid), None):
                held.add(pair, added)
        held.record("key.cancelled", kid, actor=actor, after=after)
    heir = outcome.heir
    message = f"cancelled {kid}; another takes over at" if heir else f"cancelled {kid}; a standby is announced"
    following = heir or lifecycle.standby(after)
    return Outcome(
        step="cancelled",
        message=message,
        kid=following.kid if following else None,
        at=heir.start if heir else None,
        ring=row.name,
    )


@contextmanager
def fresh_pairs(row: Ring, number: int) -> Iterator[list[KeyPair]]:
    """Fresh pairs for a ring, made before it is locked, because it is slow; what no row kept is destroyed afterwards.

    Raises WrongRing, CannotOpen.
    """
    store_of_ring = keystore.keystore(row.keystore)
    try:
        pairs = [_typable(store_of_ring, row) for _ in range(number)]
    except ValueError as error:
        raise WrongRing(str(error)) from error
    try:
        yield pairs
    finally:
        if row.keystore != keystore.DATABASE:
            kept = set(row.keys.values_list("kid", flat=True))
            for pair in pairs:
                if pair.kid not in kept:
                    store_of_ring.destroy(pair.secret)


def _typable(store_of_ring: Keystore, row: Ring) -> KeyPair:
    """A pair whose kid can be typed after a command: one that begins with a dash would be taken for an option."""
    for _ in range(TRIES):
        pair = store_of_ring.generate(row.algorithm, bits=row.bits)
        if not pair.kid.startswith("-"):
            break
        store_of_ring.destroy(pair.secret)
    return pair


@contextmanager
def _undone(pretend: bool) -> Iterator[None]:  # noqa: FBT001 (it says what becomes of the block)
    """With `pretend`, nothing of the block stays, not even a ring that it made."""
    if not pretend:
        yield
        return
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rewrap(ring: str = DEFAULT_RING, *, encryption_keys: Sequence[EncryptionKey], actor: str) -> Outcome:
    """Seal every row of `ring` anew under the first encrypting key, so that the others can be dropped.

    Raises CannotOpen when a row does not open under any of them, LockNotHad after 30 s.
    """
    with hold(ring, encryption_keys=encryption_keys, actor=actor) as held:
        first, secret = encryption_keys[0], issuer().vouching_secrets[0]
        old = [one for one in held.stored if one.encryption_key_id != first.id or not one.is_vouched([secret])]
        for one in old:
            store.rewrap(one, keys=encryption_keys)
        if not old:
            return Outcome(step="nothing", message=f"every key is sealed under {first.id} already", ring=ring)
        held.record("key.rewrapped", None, actor=actor, encryption_key=first.id, kids=[one.key.kid for one in old])
    return Outcome(step="rewrapped", message=f"{len(old)} keys are sealed under {first.id} now", ring=ring)


def _step(held: LockedRing, pairs: Sequence[KeyPair], *, actor: str, hurry: bool) -> Outcome:
    if not held.stored:
        return _create(held, pairs, actor=actor)
    standby, coming = lifecycle.standby(held.keys), lifecycle.planned(held.keys, now=held.now)
    if standby is None:
        return _announce(held, pairs[0], actor=actor)
    if held.lengthened:
        message = "adopted longer timings for the keys that live; in force since"
        return Outcome(step="lengthened", message=message, at=held.now)
    if lifecycle.is_stale(standby, held.keys) and _can_be_replaced(coming, held):
        return _replace_standby(held, standby, pairs[0], actor=actor)
    due = lifecycle.due(held.keys, policy=held.policy, now=held.now)
    if coming is None and (due <= held.now or hurry or lifecycle.unflushed(held.keys)):
        return _plan(held, standby, pairs[0], actor=actor)
    if spent := _spent(held):
        return _destroy(held, spent, actor=actor)
    return _nothing(held, standby, coming, due)


def _nothing(held: LockedRing, standby: Key, coming: Key | None, due: datetime) -> Outcome:
    adopted = "adopted changed timings; " if held.adopted else ""
    if coming is not None:
        message = f"{adopted}already planned; switches at"
        return Outcome(step="nothing", message=message, kid=coming.kid, at=coming.signs_at)
    return Outcome(step="nothing", message=f"{adopted}nothing due; next step at", kid=standby.kid, at=due)


def _create(held: LockedRing, pairs: Sequence[KeyPair], *, actor: str) -> Outcome:
    """The default ring's first key signs at once: no copy of this issuer's JWKS can exist yet. Another is announced."""
    first = _new(held, pairs[0])
    first = replace(first, signs_at=_first_start(held, first))
    standby = _new(held, pairs[1])
    held.add(pairs[0], first)
    held.add(pairs[1], standby)
    held.record("key.created", first.kid, actor=actor, after=[first, standby])
    message = "created the first key and its standby; signs from"
    return Outcome(step="created", message=message, kid=first.kid, at=first.signs_at)


def _first_start(held: LockedRing, first: Key) -> datetime:
    return held.now if held.row.name == DEFAULT_RING else succession.earliest(first, now=held.now, policy=held.policy)


def _announce(held: LockedRing, pair: KeyPair, *, actor: str) -> Outcome:
    standby = _new(held, pair)
    held.add(pair, standby)
    held.record("key.announced", standby.kid, actor=actor, after=[*held.keys, standby])
    return Outcome(step="announced", message="announced a standby", kid=standby.kid, at=held.now)


def _can_be_replaced(coming: Key | None, held: LockedRing) -> bool:
    """True if an emergency would not need the standby: no flush is planned, or every API has the key of the flush."""
    return coming is None or lifecycle.seen_at(coming, held.policy) <= held.now


def _replace_standby(held: LockedRing, standby: Key, pair: KeyPair, *, actor: str) -> Outcome:
    """Announce another standby in the place of one that a JWKS can show beside a key that was revoked since (P6)."""
    fresh = _new(held, pair)
    after = [replace(standby, cancelled_at=held.now, private_destroyed_at=held.now)]
    held.save(after)
    held.add(pair, fresh)
    held.record("key.announced", fresh.kid, actor=actor, after=[*after, fresh])
    message = "announced another standby, because the last one is older than a revocation"
    return Outcome(step="announced", message=message, kid=fresh.kid, at=held.now)


def _plan(held: LockedRing, standby: Key, pair: KeyPair, *, actor: str) -> Outcome:
    """Plan the standby's start at the earliest safe instant, and announce the next standby."""
    at = succession.earliest(standby, now=held.now, policy=held.policy)
    after = succession.supersede(held.keys, standby.kid, at=at, now=held.now, policy=held.policy)
    following = _new(held, pair)
    held.save(after)
    held.add(pair, following)
    held.record("key.planned", standby.kid, actor=actor, after=[*after, following], at=at)
    message = "planned the switch, and announced the next standby; switches at"
    return Outcome(step="planned", message=message, kid=standby.kid, at=at)


def _destroy(held: LockedRing, spent: Sequence[Key], *, actor: str) -> Outcome:
    """Destroy the private halves that no node can sign with any more."""
    after = [replace(key, private_destroyed_at=held.now) for key in spent]
    held.save(after)
    held.record("key.destroyed", spent[0].kid, actor=actor, after=after)
    message = f"destroyed the private half of {len(spent)} retired keys"
    return Outcome(step="destroyed", message=message, kid=spent[0].kid, at=held.now)


def _spent(held: LockedRing) -> list[Key]:
    whole = [one.key for one in held.stored if one.sealed is not None]
    dates = {key.kid: lifecycle.destroyable_at(key, held.keys, held.policy) for key in whole}
    return [key for key in whole if (date := dates[key.kid]) is not None and date <= held.now]


def _new(held: LockedRing, pair: KeyPair) -> Key:
    return Key(kid=pair.kid, announced_at=held.now, max_lifetime=held.policy.token_lifetime)
