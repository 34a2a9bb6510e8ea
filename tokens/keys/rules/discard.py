"""Compute the dates of a key ring's keys after a revocation or a cancellation. Pure.

Rules. Each function takes every key of the ring and returns every key; the caller writes those that changed.
- A ring always has a signing key. If the signing key is revoked, its successor starts at once. If the last planned key
  is revoked or cancelled, the standby is planned in its place, at the earliest safe instant.
- The successor is a key that every API has already. If there is no such key, the successor is the key that every API
  will have soonest. In the second case, tokens can be refused until `Discarded.outage_until`.
- Some verifiers fetch the JWKS only for an unknown kid. To make such a verifier drop a revoked key, the revocation
  announces a new key, and plans a later switch to the new key (the flush). No JWKS contains both keys. So a verifier
  that trusts the revoked key does not know the new key. At the first token of the new key, the verifier fetches the
  JWKS, which lacks the revoked key (rule P6, docs/why-rotation-is-safe.md).
- The flush is the last planned switch. Older keys that would start later are cancelled: a verifier can have such a key
  and the revoked key in one JWKS, so a token of such a key does not make the verifier fetch the JWKS.
- After a revocation or cancellation, the ring always has a standby.

Worked example: A signs, B is the standby. A is revoked on day 10, with fresh keys C and D:

    day 10  A is revoked; B signs at once; C is the standby; D is planned for day 12 (the flush)
    day 12  D signs; with its first token a verifier that has A and B fetches a JWKS of B, C and D
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tokens.keys.errors import UnknownKey, Unsafe
from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key, Phase
from tokens.keys.rules.policy import Policy
from tokens.keys.rules.succession import INSTANT, earliest, withdrawals
from tokens.languages import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """The keys of a key ring after some of them were revoked or cancelled."""

    keys: tuple[Key, ...]
    successor: Key | None
    """The key that signs in place of a discarded key, at once or later.

    None if no key must replace the discarded key, or if `flush` replaces it.
    """
    outage_until: datetime | None
    """The instant until which a conforming API can lack the successor; None if every API has the successor."""
    flush: Key | None = None
    """The new key whose first token makes verifiers fetch the JWKS and drop the revoked keys (rule P6)."""


def instant_of_revocation(keys: Sequence[Key], *, now: datetime) -> datetime:
    """Return the instant to store for a revocation: `now`, or just after the newest announcement if that is later.

    The revocation announces new keys at this instant, which must be later than the announcement of every older key.
    SQLite's clock has a resolution of a millisecond, so an older key could have been announced in the same millisecond
    as `now`.
    """
    return max([now, *(key.announced_at + INSTANT for key in keys)])


def revoke(
    keys: Sequence[Key],
    kids: Collection[str],
    *,
    fresh: Sequence[Key],
    now: datetime,
    policy: Policy,
    flush_at: datetime | None,
) -> Discarded:
    """Revoke the keys with these `kids` at `now`. Unless `flush_at` is None, plan the flush at `flush_at`.

    If the signing key is among `kids`, its successor starts at once. The flush is a later switch to a new key, whose
    first token makes verifiers fetch the JWKS and drop the revoked keys.

    `fresh` are two new keys. One of them is the key of the flush. If the ring has no other successor, this key is the
    successor, and its start is the flush. The other new key becomes the standby if the ring has no standby left.
    """
    signing, planned = lifecycle.signer(keys, now=now), lifecycle.planned(keys, now=now)
    after = [replace(key, revoked_at=now) if key.kid in kids and not key.discarded else key for key in keys]
    if (signing is None and planned is None) or (signing is not None and signing.kid in kids):
        discarded = _succeeded_at_once(after, signing, fresh=fresh, now=now, policy=policy)
    else:
        successor = _replacement(keys, after, fresh=fresh, now=now, policy=policy)
        is_fresh = successor is not None and successor.kid in {key.kid for key in fresh}
        if successor and successor.start and flush_at and (is_fresh or successor.start >= flush_at):
            successor = None  # the flush takes its place
        discarded = _complete(after, successor, fresh=fresh, now=now, policy=policy)
    return _with_flush(discarded, fresh, at=flush_at, now=now, policy=policy) if flush_at else discarded


def cancel(keys: Sequence[Key], kid: str, *, fresh: Sequence[Key], now: datetime, policy: Policy) -> Discarded:
    """Cancel the announced key `kid` before any node can sign with it. Return the keys with their new dates.

    - The other planned keys keep their starts.
    - If `kid` is the last planned key, the start of the standby is planned instead. If there is no standby, or the
      standby is stale (`lifecycle.is_stale`), the start of a fresh key is planned.
    - If no standby is left, a fresh key becomes the standby.

    `fresh` are two new keys, for these two roles.

    Raises:
        UnknownKey: The key is not announced.
        Unsafe: The key starts within `Policy.last_signature` from now, so nodes might sign with it although it is
            cancelled.
    """
    key = next((key for key in keys if key.kid == kid), None)
    if key is None or lifecycle.phase(key, keys, now=now) is not Phase.ANNOUNCED:
        raise UnknownKey(
            sentence(
                "{kid} is not announced. A key that has signed can only be replaced by its successor, or revoked",
                kid=kid,
            )
        )
    if key.start is not None and key.start <= now + policy.last_signature:
        # A node whose snapshot is N old does not read of the cancellation before then.
        raise Unsafe(
            sentence("{kid} starts to sign too soon to be cancelled on every node. Let it start, or revoke it", kid=kid)
        )
    after = [replace(other, cancelled_at=now) if other.kid == kid else other for other in keys]
    successor = lifecycle.successor(key, after) or _replacement(keys, after, fresh=fresh, now=now, policy=policy)
    return _complete(after, successor, fresh=fresh, now=now, policy=policy)


def _succeeded_at_once(
    keys: Sequence[Key], signing: Key | None, *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    """Let the successor of `signing` sign at once. `signing` is the revoked signing key, or None if no key signs.

    The candidates are the planned key and the standby, in this order. The successor is the first candidate that every
    API has already. If there is none, it is the candidate that every API will have soonest. If there is no candidate at
    all, it is the first of the new keys `fresh`.
    """
    candidates = [key for key in (lifecycle.planned(keys, now=now), lifecycle.standby(keys)) if key]
    # δ: the successor starts that much before `now`, and an API whose clock is slow fetches that much later.
    fetched = (key for key in candidates if lifecycle.seen_at(key, policy) <= now - policy.clock_error)
    # The planned key can be the younger one, if it is the key of a flush. With it, the outage could last a day longer.
    soonest = min(candidates, key=lambda key: lifecycle.seen_at(key, policy), default=fresh[0])
    successor = next(fetched, soonest)
    successor = replace(successor, signs_at=_immediate_start(successor, after=signing, now=now, policy=policy))
    return _complete(keys, successor, fresh=fresh, now=now, policy=policy)


def _replacement(
    keys: Sequence[Key], after: Sequence[Key], *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Key | None:
    """Return the key that replaces the last planned key if that key was revoked or cancelled, else None.

    `keys` are the keys before the revocation or cancellation, `after` the same keys after it.

    - The replacement is the standby. If there is no standby, or the standby is stale (`lifecycle.is_stale`), it is the
      first of the new keys `fresh`.
    - In the result, `signs_at` is the earliest safe start that is later than the starts of all planned keys in `after`.
    """
    planned, left = lifecycle.switches(keys, now=now), lifecycle.switches(after, now=now)
    # Without a replacement the key before the discarded one would be withdrawn, and nothing would sign.
    if not planned or planned[-1].kid in {key.kid for key in left}:
        return None
    standby = lifecycle.standby(after)
    successor = fresh[0] if standby is None or lifecycle.is_stale(standby, keys) else standby
    at = earliest(successor, now=now, policy=policy)
    last = left[-1].start if left else None
    return replace(successor, signs_at=max(at, last + INSTANT) if last else at)


def _complete(
    keys: Sequence[Key], successor: Key | None, *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    """Complete a revocation or cancellation: return `keys` with the changes that keep the key ring usable.

    1. If `successor` is not None, add this key. A key in `keys` with the same kid is replaced.
    2. If there is no standby, add one of the new keys `fresh` as the standby.
    3. Set the withdrawal date of each key that has a successor.
    """
    after = [key for key in keys if successor is None or key.kid != successor.kid] + ([successor] if successor else [])
    if lifecycle.standby(after) is None:
        after.append(next(key for key in fresh if successor is None or key.kid != successor.kid))
    after = list(withdrawals(after, policy=policy, now=now))
    return Discarded(keys=tuple(after), successor=successor, outage_until=_outage(successor, policy))


def _with_flush(
    discarded: Discarded, fresh: Sequence[Key], *, at: datetime, now: datetime, policy: Policy
) -> Discarded:
    """Plan the flush as the last switch of the key ring, and cancel the keys that would start at `at` or later.

    The flush is the switch at `at` to one of the new keys `fresh`. The first token of this key makes verifiers fetch
    the JWKS and drop the revoked keys. If the successor is one of `fresh`, its start is the flush, and no key changes.
    """
    successor = discarded.successor
    if successor is not None and successor.kid in {key.kid for key in fresh}:
        return replace(discarded, flush=successor)  # it was announced by the revocation: its start is the flush
    earlier = [replace(key, cancelled_at=now) if _starts_from(key, at) else key for key in discarded.keys]
    used = {key.kid for key in earlier}
    flush = replace(next(key for key in fresh if key.kid not in used), signs_at=at)
    after = withdrawals([*earlier, flush], policy=policy, now=now)
    return replace(discarded, keys=after, flush=flush)


def _starts_from(key: Key, at: datetime) -> bool:
    return not key.discarded and key.start is not None and key.start >= at


def _immediate_start(successor: Key, *, after: Key | None, now: datetime, policy: Policy) -> datetime:
    """Return a start of `successor` that is in the past on every node's clock, and later than the start of `after`.

    `after` is the signing key that `successor` replaces, or None if no key signs.
    """
    # δ ago: a node whose clock is slow would otherwise see no signer until its clock reaches `now`.
    earliest_start = max(successor.announced_at, now - policy.clock_error)
    return max(earliest_start, after.signs_at + INSTANT) if after and after.signs_at else earliest_start


def _outage(successor: Key | None, policy: Policy) -> datetime | None:
    if successor is None or successor.signs_at is None:
        return None
    seen_at = lifecycle.seen_at(successor, policy)
    # δ: an API whose clock is slow fetches that much later.
    return seen_at + policy.clock_error if successor.signs_at < seen_at else None
