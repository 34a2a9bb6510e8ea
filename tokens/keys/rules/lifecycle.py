"""The life of signing keys: phases, signer, published set, and the next safe step. Pure.

    announced ──► signing ──► retired ──► withdrawn          any of the first three ──► revoked

A phase is computed from timestamps and never stored, so nothing has to run at the moment of a switch. The signer is
the key that took over last, and only if it is not revoked: a superseded key never signs again. What each instant must
respect is in the policy (tokens/keys/rules/policy.py).
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens.keys.rules.policy import Policy


class Phase(enum.StrEnum):
    """Where in its life a key is."""

    SIGNING = "signing"
    ANNOUNCED = "announced"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    CANCELLED = "cancelled"


PUBLISHED = (Phase.SIGNING, Phase.ANNOUNCED, Phase.RETIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The dates of one signing key."""

    kid: str
    announced_at: datetime
    max_lifetime: timedelta
    """Longest token that it may sign."""
    signs_at: datetime | None = None
    withdraw_at: datetime | None = None
    revoked_at: datetime | None = None
    cancelled_at: datetime | None = None
    private_destroyed_at: datetime | None = None

    @property
    def discarded(self) -> bool:
        """Revoked or cancelled: it neither signs nor is published, whatever the clock says."""
        return self.revoked_at is not None or self.cancelled_at is not None

    @property
    def start(self) -> datetime | None:
        """When it takes over, or None if it never does: unplanned, cancelled, or revoked before its time."""
        if self.signs_at is None or self.cancelled_at is not None:
            return None
        return None if self.revoked_at is not None and self.revoked_at <= self.signs_at else self.signs_at


def signer(keys: Iterable[Key], *, now: datetime) -> Key | None:
    """The one key that may sign at `now`; None when nothing may."""
    latest = _latest(keys, now=now)
    if latest is None or latest.revoked_at is not None:
        return None
    if latest.withdraw_at is not None and (latest.withdraw_at <= now or successor(latest, keys) is None):
        return None  # superseded by a key that this node cannot see or does not trust
    return latest


def phase(key: Key, keys: Iterable[Key], *, now: datetime) -> Phase:
    """The phase of `key` among the keys of its ring at `now`."""
    if key.revoked_at is not None:
        return Phase.REVOKED
    if key.cancelled_at is not None:
        return Phase.CANCELLED
    if key.withdraw_at is not None and key.withdraw_at <= now:
        return Phase.WITHDRAWN
    if key.signs_at is None or key.signs_at > now:
        return Phase.ANNOUNCED
    return Phase.SIGNING if key == _latest(keys, now=now) else Phase.RETIRED


def published(keys: Sequence[Key], *, now: datetime) -> tuple[Key, ...]:
    """The keys of the JWKS at `now`: the signing one first, then those that will sign, then those that did."""
    phases = {key: phase(key, keys, now=now) for key in keys}
    shown = [key for key in keys if phases[key] in PUBLISHED]
    return tuple(sorted(shown, key=lambda key: (PUBLISHED.index(phases[key]), key.announced_at, key.kid)))


def successor(key: Key, keys: Iterable[Key]) -> Key | None:
    """The key that takes over, or took over, from `key`; None while it has no successor."""
    later = [other for other in keys if _starts_after(other, key)]
    return min(later, key=_started, default=None)


def standby(keys: Iterable[Key]) -> Key | None:
    """The announced key whose start is not planned yet."""
    return next((key for key in keys if key.signs_at is None and not key.discarded), None)


def planned(keys: Iterable[Key], *, now: datetime) -> Key | None:
    """Return the key that takes over next, or None if no switch is planned."""
    return next(iter(switches(keys, now=now)), None)


def switches(keys: Iterable[Key], *, now: datetime) -> tuple[Key, ...]:
    """Return the announced keys whose start is planned and still to come, in the order in which they take over."""
    coming = [key for key in keys if key.start and key.start > now and not key.discarded]
    return tuple(sorted(coming, key=_started))


def flush(revoked: Key, keys: Iterable[Key]) -> Key | None:
    """Return the key whose start flushes `revoked` out of verifiers that fetch only for an unknown kid (P6).

    No JWKS that shows a revoked key shows a key that was announced at its revocation or later. So a verifier that still
    trusts the revoked key has to fetch when it meets a token of such a key. The flush is the start of the first key
    from which on all signing keys are such keys. Returns None if no such start is planned.
    """
    if revoked.revoked_at is None:
        return None
    took_over = sorted((key for key in keys if key.start is not None), key=_started)
    flushing: Key | None = None
    for key in took_over:
        is_new = key.announced_at >= revoked.revoked_at
        flushing = (flushing or key) if is_new else None
    return flushing


def unflushed(keys: Sequence[Key]) -> tuple[Key, ...]:
    """Return the revoked keys whose flush is not planned."""
    return tuple(key for key in keys if key.revoked_at is not None and flush(key, keys) is None)


def is_stale(key: Key, keys: Iterable[Key]) -> bool:
    """True if a key was revoked since `key` was announced: a JWKS can show both, so that `key` cannot flush it."""
    return any(other.revoked_at is not None and other.revoked_at > key.announced_at for other in keys)


def seen_at(key: Key, policy: Policy) -> datetime:
    """When every obedient API has the key: announced_at + N + C + T + 2δ (P1)."""
    return key.announced_at + policy.propagation


def withdrawal(key: Key, *, superseded_at: datetime, policy: Policy) -> datetime:
    """When no token of `key` can be valid any more (P2), and not before the policy's `keep`; never earlier than set."""
    safe = superseded_at + max(policy.last_acceptance(key.max_lifetime), policy.keep)
    return max(safe, key.withdraw_at) if key.withdraw_at else safe


def destroyable_at(key: Key, keys: Iterable[Key], policy: Policy) -> datetime | None:
    """When the private half can be destroyed, because no node can still sign with it; None while one may."""
    if key.discarded:
        return key.revoked_at or key.cancelled_at
    next_key = successor(key, keys)
    return _started(next_key) + policy.last_signature if next_key else None


def due(keys: Iterable[Key], *, policy: Policy, now: datetime) -> datetime:
    """When the signing key shall have a successor; `now` when nothing signs."""
    signing = signer(keys, now=now)
    return signing.signs_at + policy.rotate_every if signing and signing.signs_at else now


def overdue(keys: Sequence[Key], *, policy: Policy, now: datetime) -> bool:
    """Whether a switch has been due for half of `announce` and none is planned: nobody runs rotate_keys."""
    return planned(keys, now=now) is None and due(keys, policy=policy, now=now) + policy.announce / 2 < now


def _latest(keys: Iterable[Key], *, now: datetime) -> Key | None:
    took_over = [key for key in keys if key.start is not None and key.start <= now]
    return max(took_over, key=_started, default=None)


def _starts_after(other: Key, key: Key) -> bool:
    return key.start is not None and other.start is not None and other.start > key.start


def _started(key: Key) -> datetime:
    if key.start is None:
        raise ValueError(f"{key.kid} never takes over")
    return key.start
