"""The signing path: one snapshot of each ring in this process, from which tokens are signed and the JWKS is served.

Phases are computed from the database's clock, carried forward from when the snapshot was read
(tokens/keys/snapshots.py). An edge asks `clock` for it once per request. Every other `now` is that instant: no
other clock is read.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tokens import conf
from tokens.audit import journal
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.keys import adoption, store, transfer
from tokens.keys import clock as clocks
from tokens.keys.errors import CannotOpen, NoKey, NotReady, UnknownKey
from tokens.keys.key_pair import KeyPair, RingSigner, Signer
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules import lifecycle, moves
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.rules.policy import Policy
from tokens.keys.snapshots import Snapshots
from tokens.models.key import Ring

logger = logging.getLogger(__name__)


def read(ring: str) -> Snapshot:
    """Read a ring and the clock from the database. Raises NotReady if the ring has no key yet."""
    started = time.monotonic()
    row = Ring.objects.filter(name=ring).first()
    if row is None and ring != DEFAULT_RING:
        raise UnknownKey(f"there is no ring {ring!r}")
    stored = store.load(ring)
    if row is None or not stored:
        raise NoKey(f"the ring {ring!r} has no key yet: run manage.py rotate_keys")
    keys, secrets = _encryption_keys(), conf.issuer().vouching_secrets
    reading = clocks.read()
    elapsed = timedelta(seconds=reading.monotonic - started)
    genuine = tuple(one for one in stored if one.verifies(keys))
    trusted = tuple(one for one in stored if one in genuine or one.is_vouched(secrets))
    doubtful = tuple(one for one in stored if one not in trusted)
    revoked = journal.revoked_keys()
    for one in doubtful:
        logger.error("The row of signing key %s does not verify; it is neither used nor published", one.key.kid)
    return Snapshot(
        stored=tuple(_as_revoked(one, revoked) for one in trusted),
        pairs=_open(tuple(_as_revoked(one, revoked) for one in genuine), keys),
        missing=frozenset(one.encryption_key_id for one in stored) - {key.id for key in keys},
        changed=tuple(one.key for one in doubtful if _is_ours(one, keys)),
        policy=adoption.obeyed(row),
        database_time=reading.database - elapsed,  # the data is as old as the beginning of the read
        wall_time=reading.wall - elapsed,
        monotonic=started,
        skew=reading.skew,
        moves=transfer.load() if ring == DEFAULT_RING else {},
    )


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


def signer(ring: str = DEFAULT_RING, *, now: datetime) -> Signer:
    """Return the key that signs at `now` (the database's clock). Raises NotReady if none may."""
    snapshot = snapshots.get(ring, now=now)
    key = lifecycle.signer([one.key for one in snapshot.stored], now=snapshot.clock(now=now))
    if key is None:
        raise NotReady("no key may sign right now" + _lacking(snapshot))
    _require_last(key, snapshot, now=now)
    _require_right_clock(snapshot.skew, snapshot.policy)
    if key.kid not in snapshot.pairs:
        raise NotReady(
            f"the private half of {key.kid} does not open: KEY_ENCRYPTION_KEYS is not what it was" + _lacking(snapshot)
        )
    return RingSigner(key.max_lifetime, snapshot.pairs[key.kid])


def _require_last(key: lifecycle.Key, snapshot: Snapshot, *, now: datetime) -> None:
    """Refuse where a key whose row was changed since says that it took over from `key`: it may have."""
    clock = snapshot.clock(now=now)
    for other in snapshot.changed:
        if key.start and other.start and key.start < other.start <= clock:
            raise NotReady(f"the row of {other.kid}, which took over from {key.kid}, does not verify")


def feed_signer(ring: str, *, now: datetime) -> Signer:
    """What signs for everyone who reads the JWKS of `ring`: its own key, or another that is shown there meanwhile.

    Raises NotReady, UnknownKey.
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
    """The ring that signs access tokens for `audience`; raises NotReady.

    A ring of which no key ever signed does not begin with one that was put off since the move was read.
    """
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    ring = moves.signing(audience, snapshot.moves, now=snapshot.clock(now=now))
    return ring if ring == DEFAULT_RING or _has_signed(ring, now=now) else snapshot.moves[audience].previous


def _has_signed(ring: str, *, now: datetime) -> bool:
    snapshot = snapshots.get(ring, now=now)
    clock = snapshot.clock(now=now)
    return any(one.key.start is not None and one.key.start <= clock for one in snapshot.stored)


def trusted_rings(audience: str, *, now: datetime) -> tuple[str, ...]:
    """The rings whose signatures on an access token for `audience` are good; raises NotReady."""
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    return moves.trusted(audience, snapshot.moves, now=snapshot.clock(now=now))


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A published key."""

    kid: str
    algorithm: str
    jwk: dict[str, str]


def published(ring: str = DEFAULT_RING, *, now: datetime) -> tuple[PublicKey, ...]:
    """The public keys of the ring, the signing one first; raises NotReady, UnknownKey."""
    snapshot = snapshots.get(ring, now=now)
    public = {one.key.kid: PublicKey(one.key.kid, one.algorithm, one.jwk) for one in snapshot.stored}
    shown = lifecycle.published([one.key for one in snapshot.stored], now=snapshot.clock(now=now))
    return tuple(public[key.kid] for key in shown)


def jwks(ring: str = DEFAULT_RING, *, now: datetime) -> tuple[PublicKey, ...]:
    """What the JWKS of the ring shows: its keys, then those of rings that APIs move from or to; never nothing.

    Raises NotReady, UnknownKey.
    """
    keys = tuple(key for name in _shown(ring, now=now) for key in published(name, now=now))
    if not keys:
        raise NotReady(f"no row of the ring {ring!r} verifies, and nothing else is published")
    return keys


def _shown(ring: str, *, now: datetime) -> tuple[str, ...]:
    """The rings whose keys the JWKS of `ring` shows."""
    if ring == DEFAULT_RING:
        return (ring,)
    snapshots.get(ring, now=now)  # UnknownKey, where there is no such ring
    snapshot = snapshots.get(DEFAULT_RING, now=now)
    return moves.shown(ring, snapshot.moves.values(), now=snapshot.clock(now=now))


def public_key(kid: str, *, audience: str, now: datetime) -> PublicKey | None:
    """The key that may have signed an access token for `audience` and is still published; raises NotReady.

    A key of a ring that is not that API's is none: stolen, it reaches no other API than its own.
    """
    rings = trusted_rings(audience, now=now)
    return next((key for ring in rings for key in published(ring, now=now) if key.kid == kid), None)


def is_to_begin(ring: str, *, now: datetime) -> bool:
    """Whether no key of the ring ever signed, and its first one is planned to; raises NotReady."""
    snapshot = snapshots.get(ring, now=now)
    planned = lifecycle.planned([one.key for one in snapshot.stored], now=snapshot.clock(now=now))
    return planned is not None and not _has_signed(ring, now=now)


def overdue(ring: str = DEFAULT_RING, *, now: datetime) -> bool:
    """Whether a switch has been due for half of `announce` and nobody planned it; raises NotReady."""
    snapshot = snapshots.get(ring, now=now)
    return lifecycle.overdue([one.key for one in snapshot.stored], policy=snapshot.policy, now=snapshot.clock(now=now))


def shared_cache(ring: str = DEFAULT_RING, *, now: datetime) -> int:
    """How long a shared cache may keep the JWKS, in seconds: the least C of what it shows; raises NotReady."""
    policies = [snapshots.get(name, now=now).policy for name in _shown(ring, now=now)]
    return int(min(policy.shared_cache for policy in policies).total_seconds())


def _lacking(snapshot: Snapshot) -> str:
    return f"; KEY_ENCRYPTION_KEYS lacks {', '.join(sorted(snapshot.missing))}" if snapshot.missing else ""


def _open(stored: tuple[store.StoredKey, ...], keys: tuple[EncryptionKey, ...]) -> dict[str, KeyPair]:
    pairs = {}
    for one in stored:
        if one.sealed is None or one.key.discarded:
            continue
        try:
            pairs[one.key.kid] = one.open(keys)
        except CannotOpen as error:
            logger.error("Cannot sign with %s: %s", one.key.kid, error)  # noqa: TRY400 (the reason is the message)
    return pairs


def _as_revoked(one: store.StoredKey, revoked: Mapping[str, datetime]) -> store.StoredKey:
    """Return the key, as revoked if the journal says so: a restored database can lack the revocation."""
    at = revoked.get(one.key.kid)
    if at is None or one.key.revoked_at is not None:
        return one
    logger.error("Signing key %s was revoked, says AUDIT_JOURNAL: run manage.py after_restore", one.key.kid)
    return replace(one, key=replace(one.key, revoked_at=at))


def _is_ours(one: store.StoredKey, keys: tuple[EncryptionKey, ...]) -> bool:
    """Whether a private half in a row that was changed opens all the same: then the key itself is of this ring."""
    try:
        return one.open(keys).kid == one.key.kid
    except CannotOpen:
        return False


def _encryption_keys() -> tuple[EncryptionKey, ...]:
    try:
        return conf.issuer().encryption_keys()
    except MalformedEncryptionKey as error:
        logger.error("Nothing can be signed: %s", error)  # noqa: TRY400 (the reason is the message)
        return ()


snapshots: Snapshots[Snapshot] = Snapshots(lambda ring, _now: read(ring))  # the clocks are read with the keys
