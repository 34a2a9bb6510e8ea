"""Compute the past and planned phases of a key ring's keys, and when the last token of each key expires. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key, Phase
from tokens.keys.rules.policy import Policy
from tokens.languages import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The time that a key spends in one phase. `end` is None if no end is planned yet."""

    phase: Phase
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The phases and dates of one key."""

    kid: str
    phase: Phase
    stretches: tuple[Stretch, ...]
    last_token_expires_at: datetime | None
    """When no token of this key can be accepted any more.

    None if the key never signs, or if it is not revoked and has no successor.
    """
    flush_at: datetime | None = None
    """The instant of the flush that makes verifiers drop this key; None if it is not revoked, or has no flush."""

    @property
    def may_sign(self) -> bool:
        """Return True if the key signs now or can start to sign."""
        return self.phase in (Phase.ANNOUNCED, Phase.SIGNING)


def timeline(keys: Sequence[Key], *, policy: Policy, now: datetime) -> tuple[Line, ...]:
    """Return a `Line`, the phases and dates of one key, for every key of a key ring. The oldest key is first."""
    return tuple(
        Line(
            kid=key.kid,
            phase=lifecycle.phase(key, keys, now=now),
            stretches=tuple(_stretches(key, keys)),
            last_token_expires_at=_last_token(key, keys, policy),
            flush_at=flush.start if (flush := lifecycle.flush(key, keys)) else None,
        )
        for key in sorted(keys, key=lambda key: (key.announced_at, key.kid))
    )


def next_step(keys: Sequence[Key], *, policy: Policy, now: datetime) -> tuple[str, datetime]:
    """Return the next event of a key ring as text, and its instant."""
    if not keys:
        return sentence("rotate_keys creates the first key"), now
    if planned := lifecycle.planned(keys, now=now):
        flushed = [key.kid for key in keys if lifecycle.flush(key, keys) == planned]
        flushes = sentence(", and flushes {flushed}", flushed=", ".join(flushed)) if flushed else ""
        return sentence("{kid} takes over{flushes}", kid=planned.kid, flushes=flushes), planned.start or now
    if lifecycle.standby(keys) is None:
        return sentence("rotate_keys announces a standby"), now
    if unflushed := lifecycle.unflushed(keys):
        return sentence("rotate_keys plans the flush of {kids}", kids=", ".join(key.kid for key in unflushed)), now
    return sentence("rotate_keys plans the next switch"), lifecycle.due(keys, policy=policy, now=now)


def _stretches(key: Key, keys: Sequence[Key]) -> list[Stretch]:
    """Return the phases of the key in order, each with its start and end. The end of the last phase is None.

    A phase that a revocation or cancellation prevented is left out, and so is a phase of no duration.
    """
    successor = lifecycle.successor(key, keys)
    discarded_at = key.revoked_at or key.cancelled_at
    starts = [
        (Phase.ANNOUNCED, key.announced_at),
        (Phase.SIGNING, key.start),
        (Phase.RETIRED, successor.start if successor else None),
        (Phase.WITHDRAWN, key.withdraw_at),
    ]
    # A planned start can be later than the revocation: the key never reaches that phase.
    reached = [
        (phase, start) for phase, start in starts if start is not None and (not discarded_at or start < discarded_at)
    ]
    if discarded_at is not None:
        reached.append((Phase.REVOKED if key.revoked_at else Phase.CANCELLED, discarded_at))
    ends = [start for _, start in reached[1:]] + [None]
    return [
        Stretch(phase=phase, start=start, end=end)
        for (phase, start), end in zip(reached, ends, strict=True)
        if end is None or end > start  # the first key of a ring is announced and signs at the same instant
    ]


def _last_token(key: Key, keys: Sequence[Key], policy: Policy) -> datetime | None:
    if key.start is None:
        return None
    if key.revoked_at is not None:
        return key.revoked_at + policy.rejection
    successor = lifecycle.successor(key, keys)
    return successor.start + policy.last_acceptance(key.max_lifetime) if successor and successor.start else None
