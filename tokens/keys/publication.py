"""Publish the public keys of a key ring as its JWKS, and find the published key that a token names."""

from dataclasses import dataclass
from datetime import datetime

from tokens.keys import keyring, signer_choice
from tokens.keys.errors import NotReady
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules import lifecycle, moves
from tokens.keys.rules.moves import DEFAULT_RING


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of the JWKS."""

    kid: str
    algorithm: str
    jwk: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Published:
    """The published keys of a key ring, computed from `snapshot`. Valid from `since` until just before `until`."""

    snapshot: Snapshot
    keys: tuple[PublicKey, ...]
    since: datetime
    until: datetime


_published: dict[str, _Published] = {}
"""The published keys of each ring. Lives as long as the process; an entry is replaced together with its snapshot."""


def published(ring: str = DEFAULT_RING, *, now: datetime) -> tuple[PublicKey, ...]:
    """Return the keys of the key ring that are published at `now` (the database's clock), the signing key first.

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    Raises UnknownKey if there is no key ring `ring`.
    """
    return _of(ring, keyring.snapshots.get(ring, now=now), now=now)


def _of(ring: str, snapshot: Snapshot, *, now: datetime) -> tuple[PublicKey, ...]:
    """Return the keys of a ring's snapshot that are published at `now`, the signing key first."""
    clock, last = snapshot.clock(now=now), _published.get(ring)
    if last is not None and last.snapshot is snapshot and last.since <= clock < last.until:
        return last.keys
    public = {row.key.kid: PublicKey(row.key.kid, row.algorithm, row.jwk) for row in snapshot.stored}
    keys = tuple(public[key.kid] for key in lifecycle.published([row.key for row in snapshot.stored], now=clock))
    # The phase of a key can change only at a date that `next_change` considers.
    _published[ring] = _Published(snapshot, keys, clock, signer_choice.next_change(snapshot, clock))
    return keys


def jwks(ring: str = DEFAULT_RING, *, now: datetime) -> tuple[PublicKey, ...]:
    """Return the keys of the ring's JWKS. Raises NotReady and UnknownKey as `jwks_and_age` does."""
    return jwks_and_age(ring, now=now)[0]


def jwks_and_age(ring: str, *, now: datetime) -> tuple[tuple[PublicKey, ...], int]:
    """Return the keys of the ring's JWKS (at least one), and how many seconds shared caches may keep the JWKS.

    - If `ring` is the default ring, the JWKS has the ring's own keys, then those of the other rings that sign ID
      tokens.
    - Otherwise, the JWKS has the ring's own keys. While an API moves between `ring` and a second ring, it also has the
      keys of the second ring. If no API uses `ring`, it also has the keys of the default ring (`moves.shown`).
    - The seconds are the smallest `shared_cache` of the rings whose keys the JWKS has.

    Raises NotReady if no key is published, or if a snapshot is older than `snapshot_age` and cannot be renewed.
    Raises UnknownKey if there is no key ring `ring`.
    """
    shown = keyring.client_rings(now=now) if ring == DEFAULT_RING else keyring.shown_rings(ring, now=now)
    snapshots = [(name, keyring.snapshots.get(name, now=now)) for name in shown]
    keys = [key for name, snapshot in snapshots for key in _of(name, snapshot, now=now)]
    if not keys:
        raise NotReady(f"no row of the ring {ring!r} verifies, and nothing else is published")
    return tuple(keys), int(min([snapshot.policy.shared_cache for _, snapshot in snapshots]).total_seconds())


def public_key(kid: str, *, audience: str, now: datetime) -> PublicKey | None:
    """Return the published key `kid` if its signatures on access tokens for `audience` are valid, else None.

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    """
    # Only rings of this API count: a stolen key of another ring signs no valid token for it.
    rings = trusted_rings(audience, now=now)
    return next((key for ring in rings for key in published(ring, now=now) if key.kid == kid), None)


def trusted_rings(audience: str, *, now: datetime) -> tuple[str, ...]:
    """Return the key rings whose signatures on an access token for `audience` are valid.

    Raises NotReady if the latest snapshot is older than `snapshot_age` and cannot be renewed.
    """
    snapshot = keyring.snapshots.get(DEFAULT_RING, now=now)
    return moves.trusted(audience, snapshot.moves, now=snapshot.clock(now=now))
