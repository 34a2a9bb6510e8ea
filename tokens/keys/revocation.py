"""Revocation: a key that must not be trusted any more leaves the ring at once, and the standby takes over with it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tokens.encryption import EncryptionKey
from tokens.keys import kids
from tokens.keys.errors import CannotOpen, UnknownKey, Unsafe
from tokens.keys.key_pair import KeyPair
from tokens.keys.lock import LockedRing, hold, refuse_skew
from tokens.keys.rotation import fresh_pairs
from tokens.keys.rules import lifecycle, succession
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import Policy
from tokens.keys.rules.succession import Discarded
from tokens.keys.trust import KeyRevocation, utc
from tokens.models.key import Ring, SigningKey

ENDED = (lifecycle.Phase.WITHDRAWN, lifecycle.Phase.REVOKED, lifecycle.Phase.CANCELLED)


def revoke(
    kid: str | None,
    *,
    ring: str | None = None,
    reason: str,
    policy: Policy,
    encryption_keys: Sequence[EncryptionKey],
    actor: str,
    now: datetime,
    flush_after: timedelta | None = None,
    accept_outage: bool = False,
    pretend: bool = False,
) -> KeyRevocation:
    """Revoke `kid`, or with None every live key of `ring`: promote the standby and plan the flush in one transaction.

    `flush_after` shortens the time between revocation and flush, which is the policy's `announce` otherwise. `kid` can
    be the beginning of one (tokens/keys/kids.py). `now` is this node's clock, compared with the database's. Raises
    UnknownKey if there is nothing to revoke, Unsafe if APIs would refuse tokens for a time and that is not accepted, or
    if `flush_after` is out of bounds, CannotOpen if the successor does not open or its row does not verify, LockNotHad.
    Other rows can be broken: they are left as they are.
    """
    if kid is not None:
        key = kids.find(kid)
        kid, ring = key.kid, ring or key.ring.name
    name = ring or ""
    refuse_skew(policy, now=now)
    row = Ring.objects.filter(name=name).first()
    if row is None:
        raise UnknownKey(f"there is no ring {name!r}; manage.py keys lists them")
    with (
        fresh_pairs(row, 2) as pairs,
        hold(
            name, proposed=policy, encryption_keys=encryption_keys, actor=actor, pretend=pretend, tolerant=True
        ) as locked,
    ):
        held = replace(locked, now=succession.instant(locked.keys, now=locked.now))
        if not accept_outage:
            _require_its_encrypting_keys(held)
        chosen = _revocable(held, kid)
        flush_at = _flush_at(held, flush_after)
        fresh = [Key(kid=one.kid, announced_at=held.now, max_lifetime=held.policy.token_lifetime) for one in pairs]
        outcome = succession.revoke(held.keys, chosen, fresh=fresh, now=held.now, policy=held.policy, flush_at=flush_at)
        after = [_destroyed(key, held.now) if key.discarded else key for key in _possible(held, outcome, fresh)]
        if outcome.outage_until and not accept_outage and not pretend:
            raise Unsafe(
                f"no standby has reached every API yet: tokens may be refused until {utc(outcome.outage_until)}."
                " Wait until then, or accept it with --accept-outage"
            )
        _write(held, after, pairs)
        SigningKey.objects.filter(kid__in=chosen).update(revoke_reason=reason)
        revocation = KeyRevocation(
            ring=name,
            kids=tuple(chosen),
            heir=outcome.heir.kid if outcome.heir else None,
            accepted_until=held.now + held.policy.rejection,
            flush_kid=outcome.flush.kid if outcome.flush else None,
            flush_at=outcome.flush.start if outcome.flush else None,
            copies_from=_copies_from(held, outcome.flush),
            outage_until=outcome.outage_until,
            pretended=pretend,
            left=tuple(one.key.kid for one in held.left_out),
        )
        for one in chosen:
            held.record(
                "key.revoked",
                one,
                actor=actor,
                after=after,
                reason=reason,
                accepted_until=revocation.accepted_until,
                flush_kid=revocation.flush_kid,
                flush_at=revocation.flush_at,
            )
    return revocation


def _require_its_encrypting_keys(held: LockedRing) -> None:
    """Refuse to make keys under a value that this ring has never seen; raises CannotOpen."""
    if not any(one.verifies(held.encryption_keys) for one in held.stored):
        raise CannotOpen(
            f"no row of the ring {held.row.name!r} verifies under KEY_ENCRYPTION_KEYS: put the old value back, after"
            " the new one; if it is lost for good, revoke_key --all --accept-outage makes fresh keys"
        )


def _flush_at(held: LockedRing, after: timedelta | None) -> datetime | None:
    """When the flush shall be; None if a broken row is in the place of the next signing key. Raises Unsafe."""
    shortest, longest = held.policy.refetch, held.policy.flush
    if after is not None and not shortest <= after <= longest:
        raise Unsafe(
            f"--flush-after is {after}: it must be at least N + C + 2δ = {shortest}, because before that a fetch can"
            f" return a JWKS without the new key, and at most {longest}, after which every API has it anyway"
        )
    return None if _in_the_way(held) else held.now + (after or longest)


def _copies_from(held: LockedRing, flush: Key | None) -> datetime | None:
    """The instant from which on every fetched copy has the flush's key, if older copies can be in use at its start."""
    if flush is None or flush.start is None or flush.start >= lifecycle.seen_at(flush, held.policy):
        return None
    return flush.announced_at + held.policy.refetch


def _in_the_way(held: LockedRing) -> list[str]:
    """The kids of rows that do not verify and are in the place of the next signing key."""
    broken = [one.key for one in held.left_out if not one.key.discarded and one.key.withdraw_at is None]
    return [key.kid for key in broken if key.signs_at]


def _possible(held: LockedRing, outcome: Discarded, fresh: Sequence[Key]) -> list[Key]:
    """The keys as they can be written beside rows that do not verify: a ring has room for one standby and one heir.

    Raises CannotOpen where the heir does not open, or has no room.
    """
    if outcome.heir:
        held.prove(outcome.heir.kid)
    broken = [one.key for one in held.left_out if not one.key.discarded and one.key.withdraw_at is None]
    if outcome.heir and (in_the_way := _in_the_way(held)):
        raise CannotOpen(
            f"the row of {in_the_way[0]} does not verify, and is in the place of the next signing key:"
            " docs/key-rotation.md says what to do"
        )
    if lifecycle.standby(broken) is None:
        return list(outcome.keys)
    wanted = {key.kid for key in (outcome.heir, outcome.flush) if key}
    unwanted = {key.kid for key in fresh} - wanted
    return [key for key in outcome.keys if key.kid not in unwanted]


def _write(held: LockedRing, after: Sequence[Key], pairs: Sequence[KeyPair]) -> None:
    held.save(after)
    made = {one.kid: one for one in pairs}
    for key in after:
        if key.kid in made:
            held.add(made[key.kid], key)


def _destroyed(key: Key, now: datetime) -> Key:
    return replace(key, private_destroyed_at=key.private_destroyed_at or now)


def _revocable(held: LockedRing, kid: str | None) -> list[str]:
    live = [key.kid for key in held.keys if lifecycle.phase(key, held.keys, now=held.now) not in ENDED]
    broken = [one.key.kid for one in held.left_out if kid in (None, one.key.kid)]
    if broken and (kid is not None or not live):
        raise CannotOpen(
            f"the row of {broken[0]} does not verify, so it is neither used nor published: docs/key-rotation.md says"
            " what to do"
        )
    if kid is None:
        if not live:
            raise UnknownKey(f"the ring {held.row.name!r} has no key to revoke")
        return live
    if kid not in live:
        raise UnknownKey(f"{kid} is not published any more; there is nothing to revoke")
    return [kid]
