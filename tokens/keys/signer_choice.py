"""Choose the signing key from the snapshot of a key ring, and compute how long the choice is valid."""

from datetime import UTC, datetime

from tokens.keys.errors import NotReady
from tokens.keys.key_pair import RingSigner, Signer
from tokens.keys.ring_snapshot import Snapshot
from tokens.keys.rules import lifecycle

END = datetime.max.replace(tzinfo=UTC)


def choose(snapshot: Snapshot, clock: datetime) -> Signer:
    """Return the signing key of the key ring at `clock`, an instant of the database's clock.

    Raises NotReady if:
    - no key may sign;
    - the private half of the chosen key cannot be decrypted;
    - a key whose row was changed by hand started to sign after the chosen key.
    """
    key = lifecycle.signer([row.key for row in snapshot.stored], now=clock)
    if key is None:
        raise NotReady("no key may sign right now" + _lacking(snapshot))
    _require_last(key, snapshot, clock)
    if key.kid not in snapshot.pairs:
        raise NotReady(
            f"the private half of {key.kid} does not open: KEY_ENCRYPTION_KEYS is not what it was" + _lacking(snapshot)
        )
    return RingSigner(key.max_lifetime, snapshot.pairs[key.kid])


def next_change(snapshot: Snapshot, clock: datetime) -> datetime:
    """Return the first date after `clock` at which a key starts to sign or is withdrawn.

    Returns `END`, the latest possible datetime, if there is no such date.
    """
    starts = [key.start for key in (*(row.key for row in snapshot.stored), *snapshot.changed)]
    dates = [*starts, *(row.key.withdraw_at for row in snapshot.stored)]
    return min((date for date in dates if date is not None and date > clock), default=END)


def _require_last(key: lifecycle.Key, snapshot: Snapshot, clock: datetime) -> None:
    """Raise NotReady if a key in `snapshot.changed` started to sign after `key`, and not later than `clock`.

    The rows of these keys were changed by hand. Such a key might have replaced `key` as the signing key.
    """
    for other in snapshot.changed:
        if key.start and other.start and key.start < other.start <= clock:
            raise NotReady(f"the row of {other.kid}, which took over from {key.kid}, does not verify")


def _lacking(snapshot: Snapshot) -> str:
    return f"; KEY_ENCRYPTION_KEYS lacks {', '.join(sorted(snapshot.missing))}" if snapshot.missing else ""
