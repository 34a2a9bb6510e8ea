"""Revoke a key although other rows of its key ring are broken.

A row is broken if neither of its two MACs is valid.

Rules:
- A broken row prevents a revocation only if, by the dates in this row, the successor of the revoked key is the key of
  this row.
- A broken row is neither used nor published, and is not changed.
- A broken row still counts for the database's rules: a ring can have at most one standby, and at most one key with a
  start and no withdrawal date.
- If KEY_ENCRYPTION_KEYS verifies no row, its value is probably wrong. New keys are then stored only if the operator
  accepts an outage (`--accept-outage`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tokens.keys.errors import CannotOpen
from tokens.keys.lock import LockedRing
from tokens.keys.rules import lifecycle
from tokens.keys.rules.discard import Discarded
from tokens.keys.rules.lifecycle import Key
from tokens.languages import sentence


def require_encrypting_keys(locked: LockedRing) -> None:
    """Raise CannotOpen unless KEY_ENCRYPTION_KEYS verifies at least one row.

    If KEY_ENCRYPTION_KEYS verifies no row, its value is probably wrong, and must not encrypt new keys.
    """
    if not any(row.verifies(locked.encryption_keys) for row in locked.stored):
        raise CannotOpen(
            sentence(
                "no row of the ring {ring!r} verifies under KEY_ENCRYPTION_KEYS: put the old value back,"
                " after the new one; if it is lost for good, revoke_key --all --accept-outage makes fresh"
                " keys",
                ring=locked.row.name,
            )
        )


def broken_successors(locked: LockedRing) -> list[str]:
    """Return the kids of the broken rows that have a start and no withdrawal date. Omits discarded keys."""
    # The database allows only one key in a ring that has a start and no withdrawal date. If a broken row has this
    # place, the database would refuse a successor of the revoked key.
    return [key.kid for key in _broken(locked) if key.signs_at]


def storable(locked: LockedRing, discarded: Discarded, fresh: Sequence[Key]) -> list[Key]:
    """Return the keys of `discarded` (the key ring after a revocation) in a form that the database accepts.

    - Revoked and cancelled keys get the date at which their private halves are destroyed.
    - A ring can have only one standby. If a broken row is the standby, the new standby is left out.

    `fresh` are the new keys of the revocation. Raises CannotOpen if the revocation needs a successor, but the successor
    cannot sign, or the database would refuse this successor because of a broken row (`broken_successors`).
    """
    if discarded.successor:
        locked.prove(discarded.successor.kid)
        if broken := broken_successors(locked):
            raise CannotOpen(
                sentence(
                    "the row of {kid} does not verify, and is in the place of the next signing key:"
                    " docs/key-rotation.md says what to do",
                    kid=broken[0],
                )
            )
    after = [_without_private_half(key, locked.now) if key.discarded else key for key in discarded.keys]
    if lifecycle.standby(_broken(locked)) is None:
        return after
    # A ring has room for one standby, and the broken row has that place: store no other standby.
    wanted = {key.kid for key in (discarded.successor, discarded.flush) if key}
    unwanted = {key.kid for key in fresh} - wanted
    return [key for key in after if key.kid not in unwanted]


def _broken(locked: LockedRing) -> list[Key]:
    """Return the keys of the broken rows that are not discarded and have no withdrawal date."""
    # The database allows one such key without a start, which is the ring's standby, and one with a start, after which
    # no other key starts. So the ring can have no other key in the same role while the broken row exists.
    return [row.key for row in locked.unverified if not row.key.discarded and row.key.withdraw_at is None]


def _without_private_half(key: Key, now: datetime) -> Key:
    return replace(key, private_destroyed_at=key.private_destroyed_at or now)
