"""Read the snapshot of a key ring: its rows with a valid MAC, the key pairs of these rows, and the database's clock.

- This node's clock is read together with the database's clock.
- A row with no valid MAC (`store`) is neither published nor used, and is reported in the log.
- A key counts as revoked if the audit journal has its revocation, even if the database lost the revocation
  (`lost_revocation`).
- The duration of the reading is subtracted from the database's clock, because the data can be as old as the beginning
  of the reading.
"""

import logging
import time
from datetime import timedelta

from tokens import conf
from tokens.audit import journal
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.keys import adoption, clock, lost_revocation, pair_cache, rings, store, transfer
from tokens.keys.errors import CannotOpen, NoKey, UnknownKey
from tokens.keys.key_pair import KeyPair
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.models.key import Ring

logger = logging.getLogger(__name__)


def read(ring: str) -> Snapshot:
    """Return a snapshot of the key ring `ring`, read from the database together with the database's clock.

    Raises NoKey if the ring has no key yet, and UnknownKey if there is no such ring.
    """
    started = time.monotonic()
    stored_ring = Ring.objects.filter(name=ring).first()
    if stored_ring is None and ring != DEFAULT_RING:
        raise UnknownKey(f"there is no ring {ring!r}")
    stored = store.load(ring)
    if stored_ring is None or not stored:
        raise NoKey(f"the ring {ring!r} has no key yet: run manage.py rotate_keys")
    keys, secrets = _encryption_keys(), conf.issuer().vouching_secrets
    reading = clock.read()
    elapsed = timedelta(seconds=reading.monotonic - started)
    genuine = tuple(row for row in stored if row.verifies(keys))
    trusted = tuple(row for row in stored if row in genuine or row.is_vouched(secrets))
    doubtful = tuple(row for row in stored if row not in trusted)
    revoked = journal.revoked_keys()
    for row in doubtful:
        logger.error("The row of signing key %s does not verify; it is neither used nor published", row.key.kid)
    return Snapshot(
        stored=tuple(lost_revocation.as_revoked(row, revoked) for row in trusted),
        pairs=_open(ring, tuple(lost_revocation.as_revoked(row, revoked) for row in genuine), keys),
        missing=frozenset(row.encryption_key_id for row in stored) - {key.id for key in keys},
        changed=tuple(row.key for row in doubtful if _is_ours(row, keys)),
        policy=adoption.obeyed(stored_ring),
        clock_time=reading.database - elapsed,  # the data is as old as the beginning of the read
        wall_time=reading.node - elapsed,
        monotonic=started,
        monotonic_clock=time.monotonic,
        skew=reading.skew,
        moves=transfer.load() if ring == DEFAULT_RING else {},
        id_rings=rings.for_id_tokens() if ring == DEFAULT_RING else (),
    )


def _open(ring: str, stored: tuple[store.StoredKey, ...], keys: tuple[EncryptionKey, ...]) -> dict[str, KeyPair]:
    rows = [row for row in stored if row.sealed is not None and not row.key.discarded]
    return pair_cache.opened(ring, rows, keys, _log)


def _log(row: store.StoredKey, error: CannotOpen) -> None:
    logger.error("Cannot sign with %s: %s", row.key.kid, error)


def _is_ours(row: store.StoredKey, keys: tuple[EncryptionKey, ...]) -> bool:
    """Return True if the private half of `row` decrypts and matches the kid of the row.

    Call this for a row with no valid MAC. True means that this issuer made the key, and that another column of the row
    was changed.
    """
    try:
        return row.open(keys).kid == row.key.kid
    except CannotOpen:
        return False


def _encryption_keys() -> tuple[EncryptionKey, ...]:
    try:
        return conf.issuer().encryption_keys()
    except MalformedEncryptionKey as error:
        logger.error("Nothing can be signed: %s", error)  # noqa: TRY400 (the reason is the message)
        return ()
