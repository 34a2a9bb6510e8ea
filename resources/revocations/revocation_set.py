"""A set of entries of a revocation feed, in 24 bytes each, for look-ups by key. Pure and immutable.

The key of an entry is a hash of what the entry revokes (`revocation_key`). Entries (docs/revocation-feed.md section 1)
are in 256 blocks of 256 buckets, by the first two bytes of their key. A block has a bit for every value of the second
and third byte of its keys.

- A look-up tests one bit. The bits take 2 MiB and stay in the processor's caches. If the bit is set, a bucket of a few
  hundred bytes is searched. With a million entries, the bit is set for one in seventeen keys that have no entry.
- A merge copies the blocks that change. A reader sees either the old set or the new set, without a lock. No step holds
  the interpreter lock for long, however many entries there are.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

ENTRY = 24  # bytes: key, until, issued_before
KEY = 16
LAYOUT = struct.Struct(">16sII")
DATES = struct.Struct(">II")
BLOCKS = BUCKETS = 256
BITS = 32  # bytes of a block's bits that belong to one bucket

Entry = tuple[bytes, int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """The entries whose lookup keys start with the same byte.

    - Bucket N holds the entries whose lookup keys have the second byte N.
    - `bits` has one bit for each pair of values of the second and the third byte. A bit is set if there is a lookup key
      with these two values.
    """

    buckets: tuple[bytes, ...] = (b"",) * BUCKETS
    bits: bytes = bytes(BITS * BUCKETS)

    def merged(self, entries: Iterable[Entry]) -> tuple["Block", int]:
        """Return a copy of this block with `entries` merged in, and the number of lookup keys that are new."""
        buckets, bits, added = list(self.buckets), bytearray(self.bits), 0
        for key, until, issued_before in entries:
            index, place, bit = key[1], key[1] << 5 | key[2] >> 3, 1 << (key[2] & 7)
            at = _position(buckets[index], key) if bits[place] & bit else -1
            if at < 0:
                buckets[index] += LAYOUT.pack(key, until, issued_before)
                bits[place] |= bit
                added += 1
            else:
                buckets[index] = _with_later(buckets[index], at, until, issued_before)
        return Block(tuple(buckets), bytes(bits)), added

    def swept(self, *, now: float) -> tuple["Block", int]:
        """Return a block without its expired entries, and the number of removed entries. `now` is in Unix seconds."""
        buckets, bits, ended = list(self.buckets), bytearray(self.bits), 0
        for index, bucket in enumerate(self.buckets):
            if bucket and min(_untils(len(bucket) // ENTRY).unpack(bucket)) <= now:
                live = [entry for entry in LAYOUT.iter_unpack(bucket) if entry[1] > now]
                buckets[index] = b"".join(LAYOUT.pack(*entry) for entry in live)
                bits[index * BITS : (index + 1) * BITS] = _bits(key for key, _, _ in live)
                ended += len(bucket) // ENTRY - len(live)
        return (Block(tuple(buckets), bytes(bits)), ended) if ended else (self, 0)


@dataclass(frozen=True, slots=True)
class RevocationSet:
    """The entries of a revocation feed. `count` is their number.

    `last_instant` is the latest `issued_before` of the entries in Unix seconds, or 0 if there is none.
    """

    blocks: tuple[Block, ...] = (Block(),) * BLOCKS
    count: int = 0
    last_instant: int = 0

    def __iter__(self) -> Iterator[Entry]:
        """Yield each entry: lookup key, until, issued_before."""
        for block in self.blocks:
            for bucket in block.buckets:
                yield from LAYOUT.iter_unpack(bucket)

    def before(self, key: bytes) -> float:
        """Return the `issued_before` of the entry with this lookup key. Tokens with an earlier `iat` are revoked.

        Returns infinity if the entry revokes every token, and 0 if there is no entry. The time is in Unix seconds.
        """
        block = self.blocks[key[0]]
        if not block.bits[key[1] << 5 | key[2] >> 3] & 1 << (key[2] & 7):
            return 0
        bucket = block.buckets[key[1]]
        at = _position(bucket, key)
        return 0 if at < 0 else DATES.unpack_from(bucket, at + KEY)[1] or math.inf

    def covers(self, key: bytes, iat: float) -> bool:
        """Return True if the entry with this lookup key revokes a token that was issued at `iat` (Unix seconds)."""
        return iat < self.before(key)

    def merged(self, packed: bytes, *, now: float) -> "RevocationSet":
        """Return a set with the entries of `packed` added, except expired ones. `now` is in Unix seconds.

        `packed` must be a whole number of entries. If two entries have the same lookup key, the later `until` and
        the later `issued_before` are kept. An `issued_before` of 0 revokes every token, and counts as the latest.
        """
        blocks, count = list(self.blocks), self.count
        live = [entry for entry in LAYOUT.iter_unpack(packed) if entry[1] > now]
        for first, entries in groupby(live, key=_first_byte):
            blocks[first], added = blocks[first].merged(entries)
            count += added
        last_instant = max((issued_before for _, _, issued_before in live), default=0)
        return RevocationSet(tuple(blocks), count, max(self.last_instant, last_instant))

    def swept(self, indices: Iterable[int], *, now: float) -> "RevocationSet":
        """Return a copy of this set without the expired entries of the blocks `indices`.

        Returns this set itself if no entry of these blocks has expired. `now` is in Unix seconds.
        """
        blocks, count = list(self.blocks), self.count
        for index in indices:
            blocks[index], ended = blocks[index].swept(now=now)
            count -= ended
        return RevocationSet(tuple(blocks), count, self.last_instant) if count < self.count else self


def _position(bucket: bytes, key: bytes) -> int:
    """Return the offset of the entry with the lookup key `key` in the bucket, or -1 if there is none."""
    # The same bytes can also occur across two entries. An entry starts at a multiple of ENTRY.
    at = bucket.find(key)
    while at >= 0 and at % ENTRY:
        at = bucket.find(key, at + 1)
    return at


def _with_later(bucket: bytes, at: int, until: int, issued_before: int) -> bytes:
    """Return a copy of the bucket in which the entry at the offset `at` has the later dates.

    Each given date, `until` and `issued_before`, replaces the entry's date of the same name if the given date is later.
    An `issued_before` of 0 counts as the latest.
    """
    last_until, instant = DATES.unpack_from(bucket, at + KEY)
    # An `issued_before` of 0 covers every token, so it counts as later than any instant.
    later = max(instant, issued_before) if instant and issued_before else 0
    return bucket[: at + KEY] + DATES.pack(max(last_until, until), later) + bucket[at + ENTRY :]


def _bits(keys: Iterable[bytes]) -> bytearray:
    """Return the 256 bits of one bucket. Bit N is set if the third byte of one of the lookup keys is N."""
    bits = bytearray(BITS)
    for key in keys:
        bits[key[2] >> 3] |= 1 << (key[2] & 7)
    return bits


def _first_byte(entry: Entry) -> int:
    return entry[0][0]


@lru_cache(maxsize=1024)
def _untils(count: int) -> struct.Struct:
    """Return a struct that unpacks only the field `until` of each of `count` packed entries."""
    # Unpacking all of them together takes a third of the time.
    return struct.Struct(">" + "16xI4x" * count)


EMPTY = RevocationSet()
