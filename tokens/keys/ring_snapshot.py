"""The snapshot of a key ring: its keys, as they were read. Its `clock_time` is a time of the database's clock."""

from dataclasses import dataclass, field
from datetime import timedelta

from tokens.keys import store
from tokens.keys.key_pair import KeyPair
from tokens.keys.read_cache import Read
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.moves import Moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Read):
    """The keys of a key ring, all read from the database at one moment."""

    stored: tuple[store.StoredKey, ...]
    pairs: dict[str, KeyPair]
    """The key pairs that could be loaded, by kid."""
    missing: frozenset[str]
    """Ids of encrypting keys that rows name and that KEY_ENCRYPTION_KEYS lacks."""
    skew: timedelta = timedelta(0)
    """Difference between this node's clock and the database's clock, both read at the same moment."""
    changed: tuple[Key, ...] = ()
    """Keys of this ring whose rows were changed by hand. Such a key might have become the signing key."""
    moves: Moves = field(default_factory=dict)
    """The last move of each API. Only the snapshot of the default key ring has moves."""
    id_rings: tuple[str, ...] = ()
    """The ID token rings (`rules/id_ring`) that have keys. Empty unless this is the snapshot of the default ring."""
