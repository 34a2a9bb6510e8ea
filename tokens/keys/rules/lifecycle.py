"""The life of signing keys: phases, signer, published set, and the next safe step. Pure.

    announced ──► signing ──► retired ──► withdrawn          any of the first three ──► revoked

Rules:
- A phase is computed from timestamps and never stored. So nothing has to run at the moment of a switch, and a stopped
  job leaves no wrong status.
- The signer is the key that started last, and only if it is not revoked. A superseded key never signs again.
- A key stops signing because its successor starts, never because of its own age (P5).
- A JWKS shows announced, signing and retired keys, the signing key first.
- The flush of a revoked key is the start of a key that was announced at the revocation or later (P6).

Worked example: A starts on day 0, and its standby B on day 90, when C is announced. A is withdrawn on day 97.

    day 60    signer A    published A, B       B announced
    day 90    signer B    published B, C, A    C announced, A retired
    day 97    signer B    published B, C       A withdrawn
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens.keys.rules.policy import Policy
from tokens.languages import gettext_noop


class Phase(enum.StrEnum):
    """The state of a key."""

    SIGNING = gettext_noop("signing")
    ANNOUNCED = gettext_noop("announced")
    RETIRED = gettext_noop("retired")
    WITHDRAWN = gettext_noop("withdrawn")
    REVOKED = gettext_noop("revoked")
    CANCELLED = gettext_noop("cancelled")


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
        """Return True if it is revoked or cancelled: then it neither signs nor is published at any instant."""
        return self.revoked_at is not None or self.cancelled_at is not None

    @property
    def start(self) -> datetime | None:
        """Return when it takes over, or None if it never does: not planned, cancelled, or revoked before its start."""
        if self.signs_at is None or self.cancelled_at is not None:
            return None
        return None if self.revoked_at is not None and self.revoked_at <= self.signs_at else self.signs_at


def signer(keys: Iterable[Key], *, now: datetime) -> Key | None:
    """Return the key that may sign at `now`, or None if none may."""
    latest = _latest(keys, now=now)
    if latest is None or latest.revoked_at is not None:
        return None
    if latest.withdraw_at is not None and (latest.withdraw_at <= now or successor(latest, keys) is None):
        return None  # superseded by a key that this node cannot see or does not trust
    return latest


def phase(key: Key, keys: Iterable[Key], *, now: datetime) -> Phase:
    """Return the phase of `key` among `keys`, the keys of its ring, at `now`."""
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
    """Return the keys of the JWKS at `now`: the signing key, then announced keys, then retired keys."""
    phases = {key: phase(key, keys, now=now) for key in keys}
    live = [key for key in keys if phases[key] in PUBLISHED]
    return tuple(sorted(live, key=lambda key: (PUBLISHED.index(phases[key]), key.announced_at, key.kid)))


def successor(key: Key, keys: Iterable[Key]) -> Key | None:
    """Return the key that takes over, or took over, from `key`, or None if no start after that of `key` is planned."""
    later = [other for other in keys if _starts_after(other, key)]
    return min(later, key=_started, default=None)


def standby(keys: Iterable[Key]) -> Key | None:
    """Return the announced key whose start is not planned yet, or None if there is none."""
    return next((key for key in keys if key.signs_at is None and not key.discarded), None)


def planned(keys: Iterable[Key], *, now: datetime) -> Key | None:
    """Return the key that takes over next, or None if no switch is planned."""
    return next(iter(switches(keys, now=now)), None)


def switches(keys: Iterable[Key], *, now: datetime) -> tuple[Key, ...]:
    """Return the announced keys whose start is planned and still to come, in the order in which they take over."""
    future = [key for key in keys if key.start and key.start > now and not key.discarded]
    return tuple(sorted(future, key=_started))


def flush(revoked: Key, keys: Iterable[Key]) -> Key | None:
    """Return the key whose start flushes `revoked` out of verifiers that fetch only for an unknown kid (P6).

    A key is new if it was announced at the revocation or later. No JWKS contains both the revoked key and a new one. So
    a verifier that still trusts the revoked key has to fetch when it gets a token that a new key signed. The result is
    the first new key after which no old key signs. Returns None if no such start is planned.
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
    """Return True if a key was revoked after `key` was announced: a JWKS can show both, and `key` cannot flush it."""
    return any(other.revoked_at is not None and other.revoked_at > key.announced_at for other in keys)


def seen_at(key: Key, policy: Policy) -> datetime:
    """Return when every API that keeps to the cache times has the key: announced_at + N + C + T + 2δ (P1)."""
    return key.announced_at + policy.propagation


def withdrawal(key: Key, *, superseded_at: datetime, policy: Policy) -> datetime:
    """Return when `key` is withdrawn: when none of its tokens can be valid (P2), and after `keep`.

    Never returns an earlier instant than the withdrawal that the key already has.
    """
    safe = superseded_at + max(policy.last_acceptance(key.max_lifetime), policy.keep)
    # A withdrawal only moves later, in the database too: tokens can have been signed that rely on it.
    return max(safe, key.withdraw_at) if key.withdraw_at else safe


def destroyable_at(key: Key, keys: Iterable[Key], policy: Policy) -> datetime | None:
    """Return when no node can sign with the key any more, so that its private half can be destroyed.

    Returns None if the key has no successor. A discarded key stops signing at its revocation or cancellation.
    """
    if key.discarded:
        return key.revoked_at or key.cancelled_at
    superseding = successor(key, keys)
    return _started(superseding) + policy.last_signature if superseding else None


def due(keys: Iterable[Key], *, policy: Policy, now: datetime) -> datetime:
    """Return when the signing key has signed for `rotate_every`, or `now` if no key signs."""
    signing = signer(keys, now=now)
    return signing.signs_at + policy.rotate_every if signing and signing.signs_at else now


def overdue(keys: Sequence[Key], *, policy: Policy, now: datetime) -> bool:
    """Return True if a switch has been due for half of `announce` and none is planned: rotate_keys does not run."""
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
