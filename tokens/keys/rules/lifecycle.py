"""The life of signing keys: phases, signer, published set, and the next safe step. Pure.

    announced ──► signing ──► retired ──► withdrawn          any of the first three ──► revoked

Rules:
- A phase is computed from timestamps and never stored. So nothing has to run at the moment of a switch, and a stopped
  job leaves no wrong status.
- The signer is the key that started last. If this key is revoked, no key signs: a superseded key never signs again.
- A key stops signing because its successor starts, never because of its own age.
- A JWKS shows announced, signing and retired keys, the signing key first.
- A flush is a switch that makes verifiers drop a revoked key. The key that then starts was announced at the revocation
  or later, so no JWKS contains both this new key and the revoked key. A verifier whose cached JWKS contains the revoked
  key does not know the new key. So at the first token of the new key, the verifier fetches the JWKS (rule P6,
  docs/why-rotation-is-safe.md).

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
    """The phase of a signing key at an instant, such as announced or retired."""

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
    """The longest lifetime of a token that the key may sign."""
    signs_at: datetime | None = None
    withdraw_at: datetime | None = None
    revoked_at: datetime | None = None
    cancelled_at: datetime | None = None
    private_destroyed_at: datetime | None = None

    @property
    def discarded(self) -> bool:
        """Return True if the key is revoked or cancelled. A discarded key neither signs nor is published."""
        return self.revoked_at is not None or self.cancelled_at is not None

    @property
    def start(self) -> datetime | None:
        """Return when the key becomes the signing key.

        Returns None if its start has no date, or if the key was discarded before its start.
        """
        if self.signs_at is None or self.cancelled_at is not None:
            return None
        return None if self.revoked_at is not None and self.revoked_at <= self.signs_at else self.signs_at


def signer(keys: Iterable[Key], *, now: datetime) -> Key | None:
    """Return the key that may sign at `now`, or None if no key may sign."""
    latest = _latest(keys, now=now)
    if latest is None or latest.revoked_at is not None:
        return None
    if latest.withdraw_at is not None and (latest.withdraw_at <= now or successor(latest, keys) is None):
        return None  # superseded by a key that this node cannot see or does not trust
    return latest


def phase(key: Key, keys: Iterable[Key], *, now: datetime) -> Phase:
    """Return the phase of `key` among `keys`, the keys of its key ring, at `now`."""
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
    """Return the key with the next start after the start of `key`, or None if there is no such key.

    The start of the result can be in the past or in the future.
    """
    later = [other for other in keys if _starts_after(other, key)]
    return min(later, key=_started, default=None)


def standby(keys: Iterable[Key]) -> Key | None:
    """Return the announced key whose start is not planned yet, or None if there is none."""
    return next((key for key in keys if key.signs_at is None and not key.discarded), None)


def planned(keys: Iterable[Key], *, now: datetime) -> Key | None:
    """Return the key with the next start after `now`, or None if no start is planned."""
    return next(iter(switches(keys, now=now)), None)


def switches(keys: Iterable[Key], *, now: datetime) -> tuple[Key, ...]:
    """Return the keys whose planned start is after `now`, in the order of their starts."""
    future = [key for key in keys if key.start and key.start > now and not key.discarded]
    return tuple(sorted(future, key=_started))


def flush(revoked: Key, keys: Iterable[Key]) -> Key | None:
    """Return the key whose start makes every verifier drop the revoked key `revoked`.

    A verifier that fetches the JWKS only for an unknown kid drops `revoked` for this reason:
    - A key is old if it was announced before the revocation, else new. No JWKS contains both `revoked` and a new key.
    - So a verifier whose cached JWKS contains `revoked` does not know a new key. At the first token of a new key, it
      fetches the JWKS, which does not contain `revoked`.

    The result is the first new key that starts after all old keys. Returns None if there is no such key, or if
    `revoked` is not revoked.
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
    """Return the revoked keys for which no switch, past or planned, makes every verifier drop the key (`flush`)."""
    return tuple(key for key in keys if key.revoked_at is not None and flush(key, keys) is None)


def is_stale(key: Key, keys: Iterable[Key]) -> bool:
    """Return True if a key was revoked after `key` was announced."""
    # A verifier's copy of the JWKS can then contain both keys. Because the verifier knows `key`, a token of `key` does
    # not make it fetch the JWKS and drop the revoked key (rule P6, docs/why-rotation-is-safe.md).
    return any(other.revoked_at is not None and other.revoked_at > key.announced_at for other in keys)


def seen_at(key: Key, policy: Policy) -> datetime:
    """Return the instant from which every API that obeys the cache times has `key` in its copy of the JWKS."""
    return key.announced_at + policy.propagation


def withdrawal(key: Key, *, superseded_at: datetime, policy: Policy) -> datetime:
    """Return when to withdraw `key`, whose successor starts at `superseded_at`.

    At that time no token of the key can be valid, and at least the timing `keep` has passed since `superseded_at`. If
    the key has a later withdrawal date already, returns that date.
    """
    safe = superseded_at + max(policy.last_acceptance(key.max_lifetime), policy.keep)
    # A withdrawal only moves later, in the database, too, because tokens that rely on it can have been signed.
    return max(safe, key.withdraw_at) if key.withdraw_at else safe


def destroyable_at(key: Key, keys: Iterable[Key], policy: Policy) -> datetime | None:
    """Return the instant from which the private half of the key can be destroyed.

    - If the key is revoked or cancelled, this is the instant of its revocation or cancellation.
    - Otherwise, if the key has a successor, this is `Policy.last_signature` after the successor's start. From then on,
      no node can sign with the key.
    - Otherwise, returns None.
    """
    if key.discarded:
        return key.revoked_at or key.cancelled_at
    superseding = successor(key, keys)
    return _started(superseding) + policy.last_signature if superseding else None


def due(keys: Iterable[Key], *, policy: Policy, now: datetime) -> datetime:
    """Return when the next switch is due.

    If a key signs, the next switch is due `rotate_every` after the start of this key. If no key signs, it is due now.
    """
    signing = signer(keys, now=now)
    return signing.signs_at + policy.rotate_every if signing and signing.signs_at else now


def overdue(keys: Sequence[Key], *, policy: Policy, now: datetime) -> bool:
    """Return True if the next switch is overdue, which means that rotate_keys probably does not run.

    A switch is overdue if it is still not planned when half of the timing `announce` has passed since it became due.
    """
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
