"""A ring as a timeline: what each key did, does and will do, and when its last token dies. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key, Phase
from tokens.keys.rules.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One phase of a key; `end` is None while it is not known."""

    phase: Phase
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One key of the timeline."""

    kid: str
    phase: Phase
    stretches: tuple[Stretch, ...]
    last_token_dies_at: datetime | None
    """When no token signed by this key can be accepted any more; None while it may sign, and where it never did."""

    flush_at: datetime | None = None
    """When the key that flushes it takes over: then verifiers that fetch only for an unknown kid drop it. Of a revoked
    key; None while no flush is planned."""

    @property
    def may_sign(self) -> bool:
        """Whether it signs, or may begin to."""
        return self.phase in (Phase.ANNOUNCED, Phase.SIGNING)


def timeline(keys: Sequence[Key], *, policy: Policy, now: datetime) -> tuple[Line, ...]:
    """Every key of a ring, oldest first."""
    return tuple(
        Line(
            kid=key.kid,
            phase=lifecycle.phase(key, keys, now=now),
            stretches=tuple(_stretches(key, keys)),
            last_token_dies_at=_last_token(key, keys, policy),
            flush_at=flush.start if (flush := lifecycle.flush(key, keys)) else None,
        )
        for key in sorted(keys, key=lambda key: (key.announced_at, key.kid))
    )


def next_step(keys: Sequence[Key], *, policy: Policy, now: datetime) -> tuple[str, datetime]:
    """What happens next to a ring, and when."""
    if not keys:
        return "rotate_keys creates the first key", now
    if coming := lifecycle.planned(keys, now=now):
        flushed = [key.kid for key in keys if lifecycle.flush(key, keys) == coming]
        ends = f", and flushes {', '.join(flushed)}" if flushed else ""
        return f"{coming.kid} takes over{ends}", coming.start or now
    if lifecycle.standby(keys) is None:
        return "rotate_keys announces a standby", now
    if unflushed := lifecycle.unflushed(keys):
        return f"rotate_keys plans the flush of {', '.join(key.kid for key in unflushed)}", now
    return "rotate_keys plans the next switch", lifecycle.due(keys, policy=policy, now=now)


def _stretches(key: Key, keys: Sequence[Key]) -> list[Stretch]:
    following = lifecycle.successor(key, keys)
    ended = key.revoked_at or key.cancelled_at
    starts = [
        (Phase.ANNOUNCED, key.announced_at),
        (Phase.SIGNING, key.start),
        (Phase.RETIRED, following.start if following else None),
        (Phase.WITHDRAWN, key.withdraw_at),
    ]
    known = [(phase, start) for phase, start in starts if start is not None and (ended is None or start < ended)]
    if ended is not None:
        known.append((Phase.REVOKED if key.revoked_at else Phase.CANCELLED, ended))
    ends = [start for _, start in known[1:]] + [None]
    return [
        Stretch(phase=phase, start=start, end=end)
        for (phase, start), end in zip(known, ends, strict=True)
        if end is None or end > start
    ]


def _last_token(key: Key, keys: Sequence[Key], policy: Policy) -> datetime | None:
    if key.start is None:
        return None
    if key.revoked_at is not None:
        return key.revoked_at + policy.rejection
    following = lifecycle.successor(key, keys)
    return following.start + policy.last_acceptance(key.max_lifetime) if following and following.start else None
