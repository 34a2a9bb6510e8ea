"""The snapshot of a ring: its keys, as they were read. Its `clock_time` is the database's clock."""

from dataclasses import dataclass, field
from datetime import timedelta

from tokens.keys import store
from tokens.keys.key_pair import KeyPair
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import Moves
from tokens.keys.snapshots import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Read):
    """The keys of a ring, as one reading of the database returned them."""

    stored: tuple[store.StoredKey, ...]
    pairs: dict[str, KeyPair]
    """The key pairs that open, by kid."""
    missing: frozenset[str]
    """Ids of encrypting keys that rows name and KEY_ENCRYPTION_KEYS does not hold."""
    skew: timedelta = timedelta(0)
    """Difference of this node's clock from the database's, both read at the same moment."""
    changed: tuple[Key, ...] = ()
    """Keys of this ring in rows that were changed by hand: one of them can have taken over."""
    moves: Moves = field(default_factory=dict)
    """The move of each API. Only the default ring's snapshot has them."""
    id_rings: tuple[str, ...] = ()
    """The further rings that sign ID tokens and have keys. Only the default ring's snapshot has them."""
