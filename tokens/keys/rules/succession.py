"""What a step does to the dates of a ring's keys: planning, longer timings, revocation. Pure.

Each function takes every key of the ring and returns every key as it shall be; whoever calls writes what changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tokens.keys.errors import UnknownKey, Unsafe
from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key, Phase
from tokens.keys.rules.policy import Policy

INSTANT = timedelta(microseconds=1)


def supersede(keys: Sequence[Key], kid: str, *, at: datetime, now: datetime, policy: Policy) -> tuple[Key, ...]:
    """The keys with `kid` starting at `at`, and the withdrawal of the key it follows moved to match (P2)."""
    moved = tuple(replace(key, signs_at=at) if key.kid == kid else key for key in keys)
    return withdrawals(moved, policy=policy, now=now)


def earliest(standby: Key, *, now: datetime, policy: Policy) -> datetime:
    """When `standby` can take over: every API has it (P1), and every node knows of the switch before it happens."""
    return max(lifecycle.seen_at(standby, policy), now + policy.switch + policy.clock_error)


def withdrawals(keys: Sequence[Key], *, policy: Policy, now: datetime) -> tuple[Key, ...]:
    """The keys, each with a successor withdrawn no earlier than P2 allows; what is withdrawn by `now` stays so."""
    return tuple(_withdrawn(key, keys, policy, now) for key in keys)


def lengthen(keys: Sequence[Key], *, before: Policy, policy: Policy, now: datetime) -> tuple[Key, ...]:
    """The keys under timings that may have been raised: longer tokens, later starts of those that are still to come.

    `before` is the policy that plans went by until now. Withdrawn and discarded keys stay as they are. A start that
    nodes may already act upon does not move.
    """
    live = {key.kid: key for key in keys if lifecycle.phase(key, keys, now=now) in lifecycle.PUBLISHED}
    starts = _later_starts(keys, before=before, policy=policy, now=now)
    grown = tuple(_grown(key, keys, starts, policy, now) if key.kid in live else key for key in keys)
    later = {key.kid: key for key in withdrawals(grown, policy=policy, now=now)}
    return tuple(later[key.kid] if key.kid in live else key for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """A ring after keys were revoked or cancelled."""

    keys: tuple[Key, ...]
    heir: Key | None
    """The key that takes over, or will, because of it; None when nothing changes about who signs."""
    outage_until: datetime | None
    """Until when an obedient API may not have the heir yet; None when every API has it."""
    flush: Key | None = None
    """The key whose start makes verifiers that fetch only for an unknown kid drop what was revoked (P6)."""


def instant(keys: Sequence[Key], *, now: datetime) -> datetime:
    """Return `now`, or an instant later than the newest announcement: what was announced before cannot flush (P6)."""
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
    """Revoke `kids` at `now`, promote a successor at once if the signing key is among them, and plan the flush.

    `fresh` are two new keys with `announced_at` now: one becomes the flush or the heir, one the next standby. With
    `flush_at` None no flush is planned.
    """
    signing, coming = lifecycle.signer(keys, now=now), lifecycle.planned(keys, now=now)
    after = [replace(key, revoked_at=now) if key.kid in kids and not key.discarded else key for key in keys]
    if (signing is None and coming is None) or (signing is not None and signing.kid in kids):
        done = _succeeded_at_once(after, signing, fresh=fresh, now=now, policy=policy)
    else:
        heir = _replacement(keys, after, fresh=fresh, now=now, policy=policy)
        if heir and heir.start and flush_at and (heir.kid in {key.kid for key in fresh} or heir.start >= flush_at):
            heir = None  # the flush takes its place
        done = _complete(after, heir, fresh=fresh, now=now, policy=policy)
    return _flushed(done, fresh, at=flush_at, now=now, policy=policy) if flush_at else done


def cancel(keys: Sequence[Key], kid: str, *, fresh: Sequence[Key], now: datetime, policy: Policy) -> Discarded:
    """Take back an announced key before any node may sign with it; `fresh` as for `revoke`.

    The next planned key follows then. Without one, the standby takes the place of the cancelled key, or a fresh key if
    the standby could not flush a revoked key. Raises UnknownKey for a key that is not announced, Unsafe from N + 2δ
    before its start on.
    """
    key = next((key for key in keys if key.kid == kid), None)
    if key is None or lifecycle.phase(key, keys, now=now) is not Phase.ANNOUNCED:
        raise UnknownKey(f"{kid} is not announced: what has signed is retired by its successor, or revoked")
    if key.start is not None and key.start <= now + policy.last_signature:
        raise Unsafe(f"{kid} signs in a moment, and nodes know it: let it, or revoke it")
    after = [replace(one, cancelled_at=now) if one.kid == kid else one for one in keys]
    heir = lifecycle.successor(key, after) or _replacement(keys, after, fresh=fresh, now=now, policy=policy)
    return _complete(after, heir, fresh=fresh, now=now, policy=policy)


def _succeeded_at_once(
    keys: Sequence[Key], signing: Key | None, *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    candidates = [key for key in (lifecycle.planned(keys, now=now), lifecycle.standby(keys)) if key]
    seen = (key for key in candidates if lifecycle.seen_at(key, policy) <= now - policy.clock_error)
    heir = next(seen, None) or next(iter(candidates), None) or fresh[0]
    heir = replace(heir, signs_at=_at_once(heir, after=signing, now=now, policy=policy))
    return _complete(keys, heir, fresh=fresh, now=now, policy=policy)


def _replacement(
    keys: Sequence[Key], after: Sequence[Key], *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Key | None:
    """The key that takes the place of the last planned one if that was discarded: the key before it is withdrawn.

    It is the standby, or a fresh key if the standby could not flush a key that was revoked earlier.
    """
    coming, left = lifecycle.switches(keys, now=now), lifecycle.switches(after, now=now)
    if not coming or coming[-1].kid in {key.kid for key in left}:
        return None
    standby = lifecycle.standby(after)
    heir = fresh[0] if standby is None or lifecycle.is_stale(standby, keys) else standby
    at = earliest(heir, now=now, policy=policy)
    last = left[-1].start if left else None
    return replace(heir, signs_at=max(at, last + INSTANT) if last else at)


def _complete(
    keys: Sequence[Key], heir: Key | None, *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    """The ring with its heir, its withdrawals, and a standby."""
    after = [key for key in keys if heir is None or key.kid != heir.kid] + ([heir] if heir else [])
    if lifecycle.standby(after) is None:
        after.append(next(key for key in fresh if heir is None or key.kid != heir.kid))
    after = list(withdrawals(after, policy=policy, now=now))
    return Discarded(keys=tuple(after), heir=heir, outage_until=_outage(heir, policy))


def _flushed(done: Discarded, fresh: Sequence[Key], *, at: datetime, now: datetime, policy: Policy) -> Discarded:
    """The ring with the flush as its last planned switch, unless a key that is announced just now signs already.

    Planned keys that would start later are cancelled: a JWKS can show them beside what was revoked.
    """
    if done.heir is not None and done.heir.kid in {key.kid for key in fresh}:
        return replace(done, flush=done.heir)
    kept = [replace(key, cancelled_at=now) if _starts_from(key, at) else key for key in done.keys]
    there = {key.kid for key in kept}
    flush = replace(next(key for key in fresh if key.kid not in there), signs_at=at)
    after = withdrawals([*kept, flush], policy=policy, now=now)
    return replace(done, keys=after, flush=flush)


def _starts_from(key: Key, at: datetime) -> bool:
    return not key.discarded and key.start is not None and key.start >= at


def _at_once(heir: Key, *, after: Key | None, now: datetime, policy: Policy) -> datetime:
    """A start by which a node with a slow clock signs too, not seeing no signer: δ ago, where the heir was there."""
    earliest = max(heir.announced_at, now - policy.clock_error)
    return max(earliest, after.signs_at + INSTANT) if after and after.signs_at else earliest


def _outage(heir: Key | None, policy: Policy) -> datetime | None:
    if heir is None or heir.signs_at is None:
        return None
    seen = lifecycle.seen_at(heir, policy)
    return seen + policy.clock_error if heir.signs_at < seen else None


def _later_starts(keys: Sequence[Key], *, before: Policy, policy: Policy, now: datetime) -> dict[str, datetime]:
    """When each planned key starts under `policy`, by kid, in the order that was planned.

    A flush that an operator shortened was not safe for every copy under `before` either; it moves only as far as its
    own bound.
    """
    starts: dict[str, datetime] = {}
    previous: datetime | None = None
    for key in lifecycle.switches(keys, now=now):
        start = key.start or now
        if start > now + policy.last_signature:
            is_shortened = start < lifecycle.seen_at(key, before)
            safe = key.announced_at + policy.refetch if is_shortened else lifecycle.seen_at(key, policy)
            start = max(start, safe, previous + INSTANT if previous else safe)
        starts[key.kid] = previous = start
    return starts


def _grown(key: Key, keys: Sequence[Key], starts: dict[str, datetime], policy: Policy, now: datetime) -> Key:
    if lifecycle.phase(key, keys, now=now) is Phase.RETIRED:
        return key  # it signs no more: its tokens are as long as they were
    longer = replace(key, max_lifetime=max(key.max_lifetime, policy.token_lifetime))
    return replace(longer, signs_at=starts.get(key.kid, key.signs_at))


def _withdrawn(key: Key, keys: Sequence[Key], policy: Policy, now: datetime) -> Key:
    next_key = lifecycle.successor(key, keys)
    is_over = key.withdraw_at is not None and key.withdraw_at <= now
    if next_key is None or next_key.start is None or key.discarded or is_over:
        return key
    return replace(key, withdraw_at=lifecycle.withdrawal(key, superseded_at=next_key.start, policy=policy))
