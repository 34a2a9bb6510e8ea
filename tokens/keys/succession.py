"""What a step does to the dates of a ring's keys: planning, longer timings, revocation. Pure.

Each function takes every key of the ring and returns every key as it shall be; whoever calls writes what changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tokens.keys import lifecycle
from tokens.keys.errors import UnknownKey, Unsafe
from tokens.keys.lifecycle import Key, Phase
from tokens.keys.policy import Policy

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


def lengthen(keys: Sequence[Key], *, policy: Policy, now: datetime) -> tuple[Key, ...]:
    """The keys under timings that may have been raised: longer tokens, a later start where one is still to come.

    Withdrawn and discarded keys stay as they are. A start that nodes may already act upon does not move.
    """
    live = {key.kid for key in keys if lifecycle.phase(key, keys, now=now) in lifecycle.PUBLISHED}
    grown = tuple(_grown(key, keys, policy, now) if key.kid in live else key for key in keys)
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


def revoke(
    keys: Sequence[Key], kids: Collection[str], *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    """Revoke `kids` at `now`; the standby takes over at once from a revoked signing key, or a fresh key where none can.

    `fresh` are two new keys with `announced_at` now: one may become the heir, one the next standby.
    """
    signing, coming = lifecycle.signer(keys, now=now), lifecycle.planned(keys, now=now)
    after = [replace(key, revoked_at=now) if key.kid in kids and not key.discarded else key for key in keys]
    if (signing is None and coming is None) or (signing is not None and signing.kid in kids):
        return _succeeded_at_once(after, signing, fresh=fresh, now=now, policy=policy)
    return _succeeded(after, replaces=coming is not None and coming.kid in kids, fresh=fresh, now=now, policy=policy)


def cancel(keys: Sequence[Key], kid: str, *, fresh: Sequence[Key], now: datetime, policy: Policy) -> Discarded:
    """Take back an announced key before any node may sign with it; `fresh` as for `revoke`.

    Raises UnknownKey for a key that is not announced, Unsafe from N + 2δ before its start on.
    """
    key = next((key for key in keys if key.kid == kid), None)
    if key is None or lifecycle.phase(key, keys, now=now) is not Phase.ANNOUNCED:
        raise UnknownKey(f"{kid} is not announced: what has signed is retired by its successor, or revoked")
    if key.start is not None and key.start <= now + policy.last_signature:
        raise Unsafe(f"{kid} signs in a moment, and nodes know it: let it, or revoke it")
    after = [replace(one, cancelled_at=now) if one.kid == kid else one for one in keys]
    return _succeeded(after, replaces=key.start is not None, fresh=fresh, now=now, policy=policy)


def _succeeded_at_once(
    keys: Sequence[Key], signing: Key | None, *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    heir = lifecycle.planned(keys, now=now) or lifecycle.standby(keys) or fresh[0]
    heir = replace(heir, signs_at=_at_once(heir, after=signing, now=now, policy=policy))
    return _complete(keys, heir, fresh=fresh, now=now, policy=policy)


def _succeeded(
    keys: Sequence[Key], *, replaces: bool, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    """With `replaces`, another key takes the planned one's place, at an instant that is safe for it."""
    if not replaces:
        return _complete(keys, None, fresh=fresh, now=now, policy=policy)
    heir = lifecycle.standby(keys) or fresh[0]
    heir = replace(heir, signs_at=earliest(heir, now=now, policy=policy))
    return _complete(keys, heir, fresh=fresh, now=now, policy=policy)


def _complete(
    keys: Sequence[Key], heir: Key | None, *, fresh: Sequence[Key], now: datetime, policy: Policy
) -> Discarded:
    """The ring with its heir, its withdrawals, and a standby."""
    after = [key for key in keys if heir is None or key.kid != heir.kid] + ([heir] if heir else [])
    if lifecycle.standby(after) is None:
        after.append(next(key for key in fresh if heir is None or key.kid != heir.kid))
    after = list(withdrawals(after, policy=policy, now=now))
    return Discarded(keys=tuple(after), heir=heir, outage_until=_outage(heir, policy))


def _at_once(heir: Key, *, after: Key | None, now: datetime, policy: Policy) -> datetime:
    """A start by which a node with a slow clock signs too, not seeing no signer: δ ago, where the heir was there."""
    earliest = max(heir.announced_at, now - policy.clock_error)
    return max(earliest, after.signs_at + INSTANT) if after and after.signs_at else earliest


def _outage(heir: Key | None, policy: Policy) -> datetime | None:
    if heir is None or heir.signs_at is None:
        return None
    seen = lifecycle.seen_at(heir, policy)
    return seen + policy.clock_error if heir.signs_at < seen else None


def _grown(key: Key, keys: Sequence[Key], policy: Policy, now: datetime) -> Key:
    if lifecycle.phase(key, keys, now=now) is Phase.RETIRED:
        return key  # it signs no more: its tokens are as long as they were
    longer = replace(key, max_lifetime=max(key.max_lifetime, policy.token_lifetime))
    coming = lifecycle.planned(keys, now=now)
    if coming is None or coming.kid != key.kid or coming.start is None:
        return longer
    settled = coming.start <= now + policy.last_signature
    return longer if settled else replace(longer, signs_at=max(coming.start, lifecycle.seen_at(key, policy)))


def _withdrawn(key: Key, keys: Sequence[Key], policy: Policy, now: datetime) -> Key:
    next_key = lifecycle.successor(key, keys)
    is_over = key.withdraw_at is not None and key.withdraw_at <= now
    if next_key is None or next_key.start is None or key.discarded or is_over:
        return key
    return replace(key, withdraw_at=lifecycle.withdrawal(key, superseded_at=next_key.start, policy=policy))
