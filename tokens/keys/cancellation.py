"""Cancel an announced key before it signs."""

from dataclasses import replace

from tokens.keys import kids
from tokens.keys.clock import refuse_skew
from tokens.keys.lock import hold
from tokens.keys.operation import Operation, Outcome
from tokens.keys.private_keys import fresh_pairs
from tokens.keys.rotation import new_key
from tokens.keys.rules import discard, lifecycle


def cancel(operation: Operation, kid: str) -> Outcome:
    """Cancel an announced key before it signs. Return the outcome.

    An announced key is the standby (its start has no date) or a planned key (its start has a date). A cancelled standby
    is replaced by a fresh standby. A cancelled planned key is replaced by the first of these keys that exists:

    1. The planned key with the next later start.
    2. The standby, unless a key was revoked after the standby was announced (`lifecycle.is_stale`).
    3. A fresh key.

    `kid` can be the beginning of a kid.

    Raises:
        UnknownKey: The key is not announced.
        Unsafe: Nodes might begin to sign with the key at any moment, or this node's clock is wrong (`refuse_skew`).
        CannotOpen: A key of the ring does not decrypt or sign.
        LockNotHad: Another process held the ring's lock for 30 s.
    """
    refuse_skew(operation.policy, now=operation.now)
    key = kids.find(kid)
    kid, row = key.kid, key.ring
    with (
        # Two: one takes the place of the cancelled key, one becomes the standby.
        fresh_pairs(row, 2) as pairs,
        hold(operation, row.name) as locked,
    ):
        fresh = [new_key(locked, pair) for pair in pairs]
        discarded = discard.cancel(locked.keys, kid, fresh=fresh, now=locked.now, policy=locked.policy)
        after = [replace(key, private_destroyed_at=locked.now) if key.kid == kid else key for key in discarded.keys]
        locked.save(after)
        for pair in pairs:
            if added := next((key for key in after if key.kid == pair.kid), None):
                locked.add(pair, added)
        locked.record("key.cancelled", kid, after=after)
    successor = discarded.successor
    message = f"cancelled {kid}; another takes over at" if successor else f"cancelled {kid}; a standby is announced"
    then_signs = successor or lifecycle.standby(after)
    return Outcome(
        step="cancelled",
        message=message,
        kid=then_signs.kid if then_signs else None,
        at=successor.start if successor else None,
        ring=row.name,
    )
