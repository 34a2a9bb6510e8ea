"""The signing path: one snapshot of each ring in this process, from which tokens are signed.

- Phases are computed from the database's clock, carried forward from when the snapshot was read
  (tokens/keys/snapshots.py).
- An edge reads that clock once per request (`clock`). Every other `now` is that instant; no other clock is read.
- `for_audience` answers once per response which ring and key sign, and the instant of issue.
- The signer of a ring is remembered until its snapshot is replaced, or until the next date at which it can change.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tokens import conf
from tokens.keys import clock as clocks
from tokens.keys import ring_reader
from tokens.keys.errors import NoKey, NotReady
from tokens.keys.key_pair import RingSigner, Signer
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules import lifecycle, moves
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.policy import Policy
from tokens.keys.snapshots import Snapshots

END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Signing:
    """The key that signs for an audience, its ring, and the instant of issue (the database's clock)."""

    ring: str
    signer: Signer = field(repr=False)
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A signer that was computed from `snapshot`; valid from `since` until just before `until`."""

    snapshot: Snapshot
    signer: Signer
    since: datetime
    until: datetime


_signers: dict[str, _Remembered] = {}
"""By ring. Lives as long as the process; an entry is replaced when its snapshot is."""


def clock(*, now: datetime) -> datetime:
    """Return the database's clock at `now` (this node's clock), for all instants that nodes compare.

    Raises NotReady if this node's clock is off by more than δ, or if the keys could not be read for longer than N.
    """
    try:
        snapshot = snapshots.at(DEFAULT_RING, wall=now)
    except NoKey:
        reading = clocks.read(since=now)
        _require_right_clock(reading.skew, conf.issuer().key_policy)
        return reading.database
    _require_right_clock(snapshot.skew, snapshot.policy)
    return snapshot.carried(wall=now)


def carried_clock(*, now: datetime) -> datetime:
    """Return the database's clock at `now` (this node's clock, right or wrong), to publish. Raises NotReady."""
    return snapshots.at(DEFAULT_RING, wall=now).carried(wall=now)


def estimated_clock(*, now: datetime) -> datetime:
    """Return the database's clock if this process has read it, else `now`. Reads and raises nothing."""
    snapshot = snapshots.latest(DEFAULT_RING)
    return now if snapshot is None else snapshot.carried(wall=now)


def _require_right_clock(skew: timedelta, policy: Policy) -> None:
    """Raise NotReady if this node's clock is further from the database's than δ."""
    if skew > policy.clock_error:
        raise NotReady(
            f"this node's clock is {skew.total_seconds():.1f} s away from the database's; synchronise it (NTP)"
        )


def for_audience(audience: str, *, now: datetime) -> Signing:
    """Return what signs for `audience` at `now` (the database's clock). Raises NotReady if no key may.

    A client's ID tokens have its client_id as audience, which no ring of an API's own signs for.
    """
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    if audience not in snapshot.moves:
        return Signing(DEFAULT_RING, _current_signer(DEFAULT_RING, snapshot, snapshot.clock(now=now)), now)
    ring = signing_ring(audience, now=now)
    return Signing(ring, signer(ring, now=now), now)


def signer(ring: str = DEFAULT_RING, *, now: datetime) -> Signer:
    """Return the key that signs at `now` (the database's clock). Raises NotReady if none may."""
    snapshot = snapshots.get(ring, now=now)
    return _current_signer(ring, snapshot, snapshot.clock(now=now))


def _current_signer(ring: str, snapshot: Snapshot, clock: datetime) -> Signer:
    """Return the signer of a ring's snapshot, the remembered one if it cannot have changed. Raises NotReady."""
    last = _signers.get(ring)
    if last is not None and last.snapshot is snapshot and last.since <= clock < last.until:
        return last.signer
    made = _signer(snapshot, clock)
    _signers[ring] = _Remembered(snapshot, made, clock, _next_change(snapshot, clock))
    return made


def _next_change(snapshot: Snapshot, clock: datetime) -> datetime:
    """Return the first date after `clock` at which another key can sign, or none."""
    starts = [key.start for key in (*(row.key for row in snapshot.stored), *snapshot.changed)]
    dates = [*starts, *(row.key.withdraw_at for row in snapshot.stored)]
    return min((date for date in dates if date is not None and date > clock), default=END)


def _signer(snapshot: Snapshot, clock: datetime) -> Signer:
    key = lifecycle.signer([row.key for row in snapshot.stored], now=clock)
    if key is None:
        raise NotReady("no key may sign right now" + _lacking(snapshot))
    _require_last(key, snapshot, clock)
    _require_right_clock(snapshot.skew, snapshot.policy)
    if key.kid not in snapshot.pairs:
        raise NotReady(
            f"the private half of {key.kid} does not open: KEY_ENCRYPTION_KEYS is not what it was" + _lacking(snapshot)
        )
    return RingSigner(key.max_lifetime, snapshot.pairs[key.kid])


def _require_last(key: lifecycle.Key, snapshot: Snapshot, clock: datetime) -> None:
    """Raise NotReady if a key whose row was altered might have taken over from `key`."""
    for other in snapshot.changed:
        if key.start and other.start and key.start < other.start <= clock:
            raise NotReady(f"the row of {other.kid}, which took over from {key.kid}, does not verify")


def feed_signer(ring: str, *, now: datetime) -> Signer:
    """Return a key that every reader of the JWKS of `ring` knows: the ring's signer, or that of a ring shown there.

    Raises NotReady, and UnknownKey for an unknown ring.
    """
    if ring == DEFAULT_RING:
        return signer(now=now)
    snapshots.get(ring, now=now)
    default = snapshots.get(DEFAULT_RING, now=now)
    for name in moves.shown(ring, default.moves.values(), now=default.clock(now=now))[1:]:
        try:
            return signer(ring, now=now)
        except NotReady:
            ring = name
    return signer(ring, now=now)


def signing_ring(audience: str, *, now: datetime) -> str:
    """Return the ring that signs access tokens for `audience`. Raises NotReady."""
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    if audience not in snapshot.moves:
        return DEFAULT_RING
    # The first key of a new ring can be put off after the move was read: until it signs, the previous ring does.
    ring = moves.signing(audience, snapshot.moves, now=snapshot.clock(now=now))
    return ring if ring == DEFAULT_RING or _has_signed(ring, now=now) else snapshot.moves[audience].previous


def _has_signed(ring: str, *, now: datetime) -> bool:
    snapshot = snapshots.get(ring, now=now)
    clock = snapshot.clock(now=now)
    return any(row.key.start is not None and row.key.start <= clock for row in snapshot.stored)


def is_to_begin(ring: str, *, now: datetime) -> bool:
    """Return True if no key of the ring ever signed, and its first switch is planned. Raises NotReady."""
    snapshot = snapshots.get(ring, now=now)
    planned = lifecycle.planned([row.key for row in snapshot.stored], now=snapshot.clock(now=now))
    return planned is not None and not _has_signed(ring, now=now)


def overdue(ring: str = DEFAULT_RING, *, now: datetime) -> bool:
    """Return True if a switch has been due for half of `announce` and is not planned. Raises NotReady."""
    snapshot = snapshots.get(ring, now=now)
    return lifecycle.overdue([row.key for row in snapshot.stored], policy=snapshot.policy, now=snapshot.clock(now=now))


def _lacking(snapshot: Snapshot) -> str:
    return f"; KEY_ENCRYPTION_KEYS lacks {', '.join(sorted(snapshot.missing))}" if snapshot.missing else ""


# The clocks are read with the keys.
snapshots: Snapshots[Snapshot] = Snapshots(lambda ring, _now: ring_reader.read(ring))
"""The snapshots of this process, for its lifetime."""
