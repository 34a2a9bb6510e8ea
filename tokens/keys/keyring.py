"""Choose the key ring and the key that sign a token, from this process's snapshots of the key rings.

- Phases are computed from the database's clock. A snapshot contains the database's time of the reading. A node adds
  the time that has passed since the reading (tokens/keys/read_cache.py).
- A view or command calls `clock` before it issues or judges a token, and passes the result on as `now`. The modules
  that it calls read no clock, except the few that CONTRIBUTING.md lists. A view uses `estimated_clock` if an error must
  not stop it, for example for rate limits and redirects.
- A view reads the clock again after it waited for a cache or another server. If the view passed on the instant from
  before the wait, `Read.was_stepped` would conclude that this node's clock was set.
- `for_audience` returns the ring and key that sign an access token, and the instant of issue. It is called once per
  response. `for_client` does the same for ID tokens and logout tokens, `for_operator` for introspection responses, and
  `for_readers` for the revocation feed.
- The signer of a ring is cached until the ring's snapshot is replaced, or until the next date at which the signer can
  change.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokens import conf
from tokens.keys import clock as clocks
from tokens.keys import ring_reader, signer_choice
from tokens.keys.errors import NoKey, NotReady
from tokens.keys.key_pair import Signer
from tokens.keys.read_cache import Snapshots
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules import id_ring, lifecycle, moves
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.policy import Policy


@dataclass(frozen=True, slots=True)
class Signing:
    """The key that signs, its key ring, and the instant of issue (the database's clock)."""

    ring: str
    signer: Signer = field(repr=False)
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The signer that was computed from `snapshot`. It is valid from `since` until just before `until`."""

    snapshot: Snapshot
    signer: Signer
    since: datetime
    until: datetime


_signers: dict[str, _Remembered] = {}
"""The cached signer of each key ring. Lives as long as the process; an entry is replaced together with its snapshot."""


def clock(*, now: datetime) -> datetime:
    """Convert `now` from this node's clock to the database's clock, which all nodes use.

    Raises NotReady if this node's clock is wrong by more than clock_error, or if the latest snapshot of the keys is
    older than `snapshot_age` and cannot be renewed.
    """
    try:
        snapshot = snapshots.at(DEFAULT_RING, node_time=now)
    except NoKey:
        reading = clocks.read(since=now)
        _require_right_clock(reading.skew, conf.issuer().key_policy)
        return reading.database
    _require_right_clock(snapshot.skew, snapshot.policy)
    return snapshot.carried(node_time=now)


def carried_clock(*, now: datetime) -> datetime:
    """Convert `now` from this node's clock to the database's clock, even if this node's clock is wrong.

    Unlike `clock`, this function does not check clock_error. Use it for the publication of keys and the revocation
    feed. Raises NotReady if the latest snapshot of the keys is older than `snapshot_age` and cannot be renewed.
    """
    return snapshots.at(DEFAULT_RING, node_time=now).carried(node_time=now)


def estimated_clock(*, now: datetime) -> datetime:
    """Convert `now` from this node's clock to the database's clock, without a query and without an error.

    Returns `now` unchanged if this process has no snapshot yet.
    """
    return snapshots.estimate(DEFAULT_RING, node_time=now)


def _require_right_clock(skew: timedelta, policy: Policy) -> None:
    """Raise NotReady if `skew`, by which this node's clock differs from the database's, is more than clock_error."""
    if skew > policy.clock_error:
        raise NotReady(
            f"this node's clock is {skew.total_seconds():.1f} s away from the database's; synchronise it (NTP)"
        )


def for_audience(audience: str, *, now: datetime) -> Signing:
    """Return the key ring and key that sign access tokens for `audience` at `now` (the database's clock).

    Use `for_client` for ID tokens, whose audience is a client. Raises NotReady if no key may sign.
    """
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    if audience not in snapshot.moves:
        return Signing(DEFAULT_RING, _current_signer(DEFAULT_RING, snapshot, snapshot.clock(now=now)), now)
    ring = _ring_of(audience, now=now)
    return Signing(ring, signer(ring, now=now), now)


def for_client(algorithm: str | None, *, now: datetime) -> Signing:
    """Return the key ring and key that sign ID tokens and logout tokens for a client at `now` (the database's clock).

    `algorithm` is the client's choice; None stands for the algorithm of the default ring. Raises NotReady if no key may
    sign.
    """
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    if not algorithm or any(row.algorithm == algorithm for row in snapshot.stored):
        return Signing(DEFAULT_RING, _current_signer(DEFAULT_RING, snapshot, snapshot.clock(now=now)), now)
    ring = id_ring.named(algorithm)
    if ring not in snapshot.id_rings:
        raise NotReady(f"no ring signs ID tokens with {algorithm}: run manage.py rotate_keys --ring {ring}")
    return Signing(ring, signer(ring, now=now), now)


def for_operator(audiences: Iterable[str], *, now: datetime) -> Signing:
    """Return the key ring and key that sign introspection responses to one client.

    `audiences` are the identifiers of the APIs that introspect tokens as this client. The preferred ring is the ring of
    these APIs if they are all on one ring, otherwise the default ring. If the preferred ring cannot sign, another ring
    signs whose keys are in the JWKS of the preferred ring (`for_readers`). Raises NotReady if no such ring can sign.
    """
    # An API that is on a ring of its own reads the key set of that ring only, so it could verify no other signature.
    rings = {_ring_of(audience, now=now) for audience in audiences}
    return for_readers(rings.pop() if len(rings) == 1 else DEFAULT_RING, now=now)


def for_readers(ring: str, *, now: datetime) -> Signing:
    """Return a key ring and its signing key, for tokens to APIs that read the JWKS of `ring`.

    Tries `ring` first, then the other rings whose keys the JWKS contains. Raises NotReady if none of these rings can
    sign, and UnknownKey if there is no key ring `ring`.
    """
    *preferred, last = shown_rings(ring, now=now)
    for name in preferred:
        with suppress(NotReady):
            return Signing(name, signer(name, now=now), now)
    return Signing(last, signer(last, now=now), now)


def signer(ring: str = DEFAULT_RING, *, now: datetime) -> Signer:
    """Return the signing key of the key ring at `now` (the database's clock). Raises NotReady if no key may sign."""
    snapshot = snapshots.get(ring, now=now)
    return _current_signer(ring, snapshot, snapshot.clock(now=now))


def _current_signer(ring: str, snapshot: Snapshot, clock: datetime) -> Signer:
    """Return the signer for a key ring's snapshot. Uses the cached signer unless the signer might have changed.

    Raises NotReady if this node's clock is wrong, or if no key may sign.
    """
    last = _signers.get(ring)
    if last is not None and last.snapshot is snapshot and last.since <= clock < last.until:
        return last.signer
    _require_right_clock(snapshot.skew, snapshot.policy)
    chosen = signer_choice.choose(snapshot, clock)
    _signers[ring] = _Remembered(snapshot, chosen, clock, signer_choice.next_change(snapshot, clock))
    return chosen


def shown_rings(ring: str, *, now: datetime) -> tuple[str, ...]:
    """Return the key rings whose keys the JWKS of `ring` contains, `ring` itself first.

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    Raises UnknownKey if there is no key ring `ring`.
    """
    if ring == DEFAULT_RING:
        return (ring,)
    snapshots.get(ring, now=now)  # raises UnknownKey if there is no such ring
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    return moves.shown(ring, snapshot.moves.values(), now=snapshot.clock(now=now))


def client_rings(*, now: datetime) -> tuple[str, ...]:
    """Return the key rings that sign for clients: the default ring, and each ID token ring (`id-RS256`) with keys.

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    """
    return (DEFAULT_RING, *snapshots.get(DEFAULT_RING, now=now).id_rings)


def _ring_of(audience: str, *, now: datetime) -> str:
    """Return the key ring that signs access tokens for `audience`.

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    """
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    if audience not in snapshot.moves:
        return DEFAULT_RING
    # The first key of a new ring can be postponed after the move was read. Until it signs, the previous ring does.
    ring = moves.signing(audience, snapshot.moves, now=snapshot.clock(now=now))
    return ring if ring == DEFAULT_RING or _has_signed(ring, now=now) else snapshot.moves[audience].previous


def _has_signed(ring: str, *, now: datetime) -> bool:
    snapshot = snapshots.get(ring, now=now)
    clock = snapshot.clock(now=now)
    return any(row.key.start is not None and row.key.start <= clock for row in snapshot.stored)


def is_to_begin(ring: str, *, now: datetime) -> bool:
    """Return True if no key of the key ring has signed yet, but the start of a first key is planned.

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    """
    snapshot = snapshots.get(ring, now=now)
    planned = lifecycle.planned([row.key for row in snapshot.stored], now=snapshot.clock(now=now))
    return planned is not None and not _has_signed(ring, now=now)


def overdue(ring: str = DEFAULT_RING, *, now: datetime) -> bool:
    """Return True if rotate_keys has not planned the next switch of the key ring in time (`lifecycle.overdue`).

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    """
    snapshot = snapshots.get(ring, now=now)
    return lifecycle.overdue([row.key for row in snapshot.stored], policy=snapshot.policy, now=snapshot.clock(now=now))


# The clocks are read with the keys.
snapshots: Snapshots[Snapshot] = Snapshots(lambda ring, _now: ring_reader.read(ring), clock=time.monotonic)
"""The snapshots of this process, for its lifetime."""
