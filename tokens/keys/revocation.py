"""Revoke signing keys, such as a key that leaked.

A revocation does all of this in one transaction:
1. The key leaves the JWKS, and its private half is destroyed.
2. If the key was the signing key, its successor signs at once: the planned key, the standby or a new key.
3. Some verifiers fetch the JWKS only for an unknown kid. For these verifiers, a new key is announced, and a later
   switch to this key is planned (the flush). The first token of the new key makes them fetch the JWKS and drop the
   revoked key (docs/revoked-keys.md).
4. If no standby is left, a new one is announced.
5. An audit event records the date of the flush, and the instant until which APIs can still accept the revoked key.

Rows with no valid MAC are not changed (`broken_rows`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tokens.keys import kids
from tokens.keys.broken_rows import broken_successors, require_encrypting_keys, storable
from tokens.keys.clock import refuse_skew
from tokens.keys.errors import CannotOpen, UnknownKey, Unsafe
from tokens.keys.key_pair import KeyPair
from tokens.keys.lock import LockedRing, hold
from tokens.keys.operation import Operation
from tokens.keys.private_keys import fresh_pairs
from tokens.keys.rotation import new_key
from tokens.keys.rules import discard, lifecycle
from tokens.keys.rules.discard import Discarded
from tokens.keys.rules.lifecycle import Key
from tokens.keys.trust import KeyRevocation, utc
from tokens.languages import sentence
from tokens.models.key import Ring, SigningKey

ENDED = (lifecycle.Phase.WITHDRAWN, lifecycle.Phase.REVOKED, lifecycle.Phase.CANCELLED)


def revoke(
    operation: Operation,
    kid: str | None,
    *,
    ring: str | None = None,
    reason: str,
    flush_after: timedelta | None = None,
    accept_outage: bool = False,
    dry_run: bool = False,
) -> KeyRevocation:
    """Revoke the key `kid`, or every live key of `ring` if `kid` is None. Return the effects.

    If the signing key is revoked, its successor signs at once. A flush is planned: a later switch to a new key, whose
    first token makes verifiers fetch the JWKS.

    - `kid` can be the beginning of a kid (tokens/keys/kids.py).
    - `ring` is the name of the key ring. If it is None, the ring of the key `kid` is used.
    - `flush_after` is the time from now to the flush, at least `Policy.refetch` and at most `Policy.flush`. If it is
      None, `Policy.flush` is used.
    - `accept_outage` allows a revocation after which APIs refuse valid tokens for a time.

    Raises:
        UnknownKey: There is no such key or ring, or no live key to revoke.
        Unsafe: This node's clock is wrong (`refuse_skew`), or `flush_after` is out of bounds. Or APIs would refuse
            tokens, and `accept_outage` is False.
        CannotOpen: The row of the key or of its successor does not verify, or the successor's private half cannot be
            decrypted. Or no row of the ring verifies, and `accept_outage` is False.
        LockNotHad: Another process held the ring's lock for 30 s.
    """
    kid, name = _named(kid, ring)
    refuse_skew(operation.policy, now=operation.now)
    with (
        # Two: one for the flush or as the successor, one as the standby.
        fresh_pairs(_ring(name), 2) as pairs,
        hold(operation, name, dry_run=dry_run, skip_unverified=True) as locked_ring,
    ):
        locked = replace(locked_ring, now=discard.instant_of_revocation(locked_ring.keys, now=locked_ring.now))
        if not accept_outage:
            require_encrypting_keys(locked)
        revoked, flush_at = _revocable(locked, kid), _flush_at(locked, flush_after)
        fresh = [new_key(locked, pair) for pair in pairs]
        discarded = discard.revoke(
            locked.keys, revoked, fresh=fresh, now=locked.now, policy=locked.policy, flush_at=flush_at
        )
        after = storable(locked, discarded, fresh)
        if not accept_outage and not dry_run:
            _refuse_outage(discarded)
        _write(locked, after, pairs)
        SigningKey.objects.filter(kid__in=revoked).update(revoke_reason=reason)
        revocation = _revocation(locked, revoked, discarded, dry_run=dry_run)
        _record(locked, revocation, after, reason=reason)
    return revocation


def _named(kid: str | None, ring: str | None) -> tuple[str | None, str]:
    """Return the full kid of the key whose kid begins with `kid`, and the name of a key ring.

    The name is `ring`, or the name of the key's own ring if `ring` is None. If `kid` is None, returns None and `ring`.
    If `ring` is None, too, returns None and "". Raises UnknownKey as `kids.find` does.
    """
    if kid is None:
        return None, ring or ""
    key = kids.find(kid)
    return key.kid, ring or key.ring.name


def _ring(name: str) -> Ring:
    """Return the key ring with this name. Raises UnknownKey if there is no such ring."""
    row = Ring.objects.filter(name=name).first()
    if row is None:
        raise UnknownKey(f"there is no ring {name!r}; manage.py keys lists them")
    return row


def _refuse_outage(discarded: Discarded) -> None:
    """Raise Unsafe if APIs would refuse valid tokens for a time after the revocation.

    `discarded` has the keys of the ring after the revocation.
    """
    if discarded.outage_until:
        raise Unsafe(
            sentence(
                "no standby has reached every API yet: tokens might be refused until {at}. Wait until then, or"
                " accept it with --accept-outage",
                at=utc(discarded.outage_until),
            )
        )


def _revocable(locked: LockedRing, kid: str | None) -> list[str]:
    """Return the kids to revoke: `kid`, or the kids of all live keys if `kid` is None.

    Raises:
        CannotOpen: The row of the key `kid` does not verify. Or `kid` is None, some row of the ring does not verify,
            and no key of the ring is live.
        UnknownKey: The row of the key `kid` verifies, but the key is not live. Or `kid` is None, every row of the ring
            verifies, and no key of the ring is live.
    """
    live = [key.kid for key in locked.keys if lifecycle.phase(key, locked.keys, now=locked.now) not in ENDED]
    broken = [row.key.kid for row in locked.unverified if kid in (None, row.key.kid)]
    if broken and (kid is not None or not live):
        raise CannotOpen(
            sentence(
                "the row of {kid} does not verify, so it is neither used nor published: docs/key-rotation.md"
                " says what to do",
                kid=broken[0],
            )
        )
    if kid is None:
        if not live:
            raise UnknownKey(sentence("the ring {ring!r} has no key to revoke", ring=locked.row.name))
        return live
    if kid not in live:
        raise UnknownKey(sentence("{kid} is not published any more; there is nothing to revoke", kid=kid))
    return [kid]


def _flush_at(locked: LockedRing, after: timedelta | None) -> datetime | None:
    """Return the instant of the flush, the switch that makes verifiers drop the revoked key.

    `after` is the time from now to the flush. If it is None, `Policy.flush` is used. Raises Unsafe if `after` is less
    than `Policy.refetch` or more than `Policy.flush`.

    Returns None if the database would refuse the key of the flush because of a broken row (`broken_successors`).
    """
    shortest, longest = locked.policy.refetch, locked.policy.flush
    if after is not None and not shortest <= after <= longest:
        raise Unsafe(
            f"--flush-after is {after}: it must be at least N + C + 2δ = {shortest}, because before that a fetch can"
            f" return a JWKS without the new key, and at most {longest}, after which every API has it anyway"
        )
    return None if broken_successors(locked) else locked.now + (after or longest)


def _write(locked: LockedRing, after: Sequence[Key], pairs: Sequence[KeyPair]) -> None:
    locked.save(after)
    fresh = {pair.kid: pair for pair in pairs}
    for key in after:
        if key.kid in fresh:
            locked.add(fresh[key.kid], key)


def _revocation(locked: LockedRing, revoked: Sequence[str], discarded: Discarded, *, dry_run: bool) -> KeyRevocation:
    """Return the effects of the revocation of the keys whose kids are `revoked`.

    `discarded` has the keys of the ring after the revocation.
    """
    flush = discarded.flush
    return KeyRevocation(
        ring=locked.row.name,
        kids=tuple(revoked),
        successor=discarded.successor.kid if discarded.successor else None,
        accepted_until=locked.now + locked.policy.rejection,
        flush_kid=flush.kid if flush else None,
        flush_at=flush.start if flush else None,
        copies_from=_copies_from(locked, flush),
        outage_until=discarded.outage_until,
        dry_run=dry_run,
        left=tuple(row.key.kid for row in locked.unverified),
    )


def _copies_from(locked: LockedRing, flush: Key | None) -> datetime | None:
    """Return the instant from which every fetch of the JWKS returns the key `flush`.

    Returns None if no flush is planned, or if every API has the key `flush` before this key starts to sign.
    """
    if flush is None or flush.start is None or flush.start >= lifecycle.seen_at(flush, locked.policy):
        return None
    return flush.announced_at + locked.policy.refetch


def _record(locked: LockedRing, revocation: KeyRevocation, after: Sequence[Key], *, reason: str) -> None:
    """Write an audit event for each revoked key. `after` has all keys of the ring with their new dates."""
    for kid in revocation.kids:
        locked.record(
            "key.revoked",
            kid,
            after=after,
            reason=reason,
            accepted_until=revocation.accepted_until,
            flush_kid=revocation.flush_kid,
            flush_at=revocation.flush_at,
        )
