"""Compute the dates that a key ring's keys get from a planned switch or from longer timings. Pure.

The letters are those of `policy`: N snapshot_age, C shared_cache, T api_copy, δ clock_error, S leeway. L is the longest
lifetime of a token that the key may sign.

Rules (docs/why-rotation-is-safe.md). Each function takes every key of the ring and returns every key; the caller writes
those that changed.
- P1: a key signs no earlier than N + C + T + 2δ after its announcement. By then, every conforming API has the key.
- A switch is planned at least N + δ ahead, so that every node has read the date of the switch before it happens.
- P2: a key is withdrawn no earlier than N + L + S + 4δ after its successor's start.
- A date can only move later, with one exception. A revocation can move the start of a planned key earlier (`discard`).

Worked example, with N = 2 min, C = 5 min, T = 24 h, δ = 1 min, S = 5 min, L = 1 h, keep = 7 d:

    1 June, 12:00     A signs. B is announced.
    2 June, 12:09     The earliest time at which B could sign (P1: 24 h + 9 min).
    8 June, 12:00     The switch to B is planned for 12:03 (N + δ).
    8 June, 12:03     B signs.
    8 June, 13:14     No token of A is valid any more (P2: 71 min after the switch).
    15 June, 12:03    A is withdrawn, because `keep` is longer than 71 min.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key, Phase
from tokens.keys.rules.policy import Policy

INSTANT = timedelta(microseconds=1)
"""The database's resolution: two keys of a key ring never start at the same instant."""


def supersede(keys: Sequence[Key], kid: str, *, at: datetime, now: datetime, policy: Policy) -> tuple[Key, ...]:
    """Return `keys` with `at` as the start of the key `kid`, and with a withdrawal date for the key replaced by `kid`.

    The replaced key is withdrawn when none of its tokens can be valid any more.
    """
    planned = tuple(replace(key, signs_at=at) if key.kid == kid else key for key in keys)
    return withdrawals(planned, policy=policy, now=now)


def earliest(standby: Key, *, now: datetime, policy: Policy) -> datetime:
    """Return when `standby` can start at the earliest.

    At that time every API has the key, and every node has read the date of the start.
    """
    return max(lifecycle.seen_at(standby, policy), now + policy.switch + policy.clock_error)


def withdrawals(keys: Sequence[Key], *, policy: Policy, now: datetime) -> tuple[Key, ...]:
    """Return `keys`, with a new withdrawal date for each key that has a successor.

    On the withdrawal date of a key, no token of the key is valid any more. Keys that are discarded, or withdrawn at
    `now` already, do not change.
    """
    return tuple(_withdrawn(key, keys, policy, now) for key in keys)


def lengthen(keys: Sequence[Key], *, before: Policy, policy: Policy, now: datetime) -> tuple[Key, ...]:
    """Return `keys`, with live keys changed to match `policy`, whose timings can be longer than those of `before`.

    - The `max_lifetime` of keys that can still sign is raised to the token_lifetime of `policy`.
    - Planned starts move later if some API would not have the key yet. A start that is less than
      `Policy.last_signature` ahead does not move, because nodes might sign with the key before they read another date.
    - Withdrawals move later if a token of the key could still be valid.

    `before` has the timings from which the present dates were computed.
    """
    live = {key.kid: key for key in keys if lifecycle.phase(key, keys, now=now) in lifecycle.PUBLISHED}
    starts = _later_starts(keys, before=before, policy=policy, now=now)
    lengthened = tuple(_lengthened(key, keys, starts, policy, now) if key.kid in live else key for key in keys)
    withdrawn = {key.kid: key for key in withdrawals(lengthened, policy=policy, now=now)}
    return tuple(withdrawn[key.kid] if key.kid in live else key for key in keys)


def _later_starts(keys: Sequence[Key], *, before: Policy, policy: Policy, now: datetime) -> dict[str, datetime]:
    """Return the start of each planned key under the timings of `policy`, by kid.

    Starts can only move later, and their order does not change. The present starts were computed from `before`.
    """
    starts: dict[str, datetime] = {}
    previous: datetime | None = None
    for key in lifecycle.switches(keys, now=now):
        start = key.start or now
        if start > now + policy.last_signature:  # else a node might sign with it before it reads another date
            # An operator who shortens a flush breaks P1 knowingly. Only the bound of shared caches applies to it.
            is_shortened = start < lifecycle.seen_at(key, before)
            safe = key.announced_at + policy.refetch if is_shortened else lifecycle.seen_at(key, policy)
            start = max(start, safe, previous + INSTANT if previous else safe)
        starts[key.kid] = previous = start
    return starts


def _lengthened(key: Key, keys: Sequence[Key], starts: dict[str, datetime], policy: Policy, now: datetime) -> Key:
    if lifecycle.phase(key, keys, now=now) is Phase.RETIRED:
        return key  # it signs no more tokens, so that none of its tokens is longer
    longer = replace(key, max_lifetime=max(key.max_lifetime, policy.token_lifetime))
    return replace(longer, signs_at=starts.get(key.kid, key.signs_at))


def _withdrawn(key: Key, keys: Sequence[Key], policy: Policy, now: datetime) -> Key:
    successor = lifecycle.successor(key, keys)
    is_withdrawn = key.withdraw_at is not None and key.withdraw_at <= now
    if successor is None or successor.start is None or key.discarded or is_withdrawn:
        return key
    return replace(key, withdraw_at=lifecycle.withdrawal(key, superseded_at=successor.start, policy=policy))
