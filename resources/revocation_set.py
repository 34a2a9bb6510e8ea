"""The entries of a revocation feed in 24 bytes each, for look-ups by key. Pure and immutable.

Entries (docs/revocation-feed.md section 1) lie in 256 blocks of 256 buckets, by the first two bytes of their key. A
block has a bit for every value of its keys' second and third byte.

- A look-up tests one bit. The bits take 2 MiB and stay in the processor's caches. If the set has a million entries, the
  bit is set for one in seventeen other keys. Only then is a bucket searched: a few hundred bytes anywhere in memory.
- A merge copies the blocks that change. A reader sees either the old set or the new one, without a lock, and no step
  holds the interpreter for long, however many entries there are.
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
    """The entries whose keys begin with one byte. Each bucket has one second byte; each bit stands for a third byte."""

    buckets: tuple[bytes, ...] = (b"",) * BUCKETS
    bits: bytes = bytes(BITS * BUCKETS)

    def merged(self, entries: Iterable[Entry]) -> tuple["Block", int]:
        """Return a block that also has these entries, and the number of keys that are new."""
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
        """Return a block without the ended entries, and the number of ended ones; `now` in Unix seconds."""
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
    """A set of entries; `last_instant` is the latest `issued_before` in it, in Unix seconds, 0 for none."""

    blocks: tuple[Block, ...] = (Block(),) * BLOCKS
    count: int = 0
    last_instant: int = 0

    def __iter__(self) -> Iterator[Entry]:
        """Yield each entry: key, until, issued_before."""
        for block in self.blocks:
            for bucket in block.buckets:
                yield from LAYOUT.iter_unpack(bucket)

    def before(self, key: bytes) -> float:
        """Return the Unix second before which tokens are covered by the entry of `key`.

        Returns infinity if the entry covers every token, and 0 if there is no entry.
        """
        block = self.blocks[key[0]]
        if not block.bits[key[1] << 5 | key[2] >> 3] & 1 << (key[2] & 7):
            return 0
        bucket = block.buckets[key[1]]
        at = _position(bucket, key)
        return 0 if at < 0 else DATES.unpack_from(bucket, at + KEY)[1] or math.inf

    def covers(self, key: bytes, iat: float) -> bool:
        """True if the entry of `key` covers a token that was issued at `iat`."""
        return iat < self.before(key)

    def merged(self, packed: bytes, *, now: float) -> "RevocationSet":
        """Return a set that also has the live entries of `packed`; entries of one key merge to the later dates.

        `packed` is a whole number of entries, `now` in Unix seconds.
        """
        blocks, count = list(self.blocks), self.count
        live = [entry for entry in LAYOUT.iter_unpack(packed) if entry[1] > now]
        for first, entries in groupby(live, key=_first_byte):
            blocks[first], added = blocks[first].merged(entries)
            count += added
        last_instant = max((issued_before for _, _, issued_before in live), default=0)
        return RevocationSet(tuple(blocks), count, max(self.last_instant, last_instant))

    def swept(self, indices: Iterable[int], *, now: float) -> "RevocationSet":
        """Return a set without the ended entries of these blocks; `now` in Unix seconds."""
        blocks, count = list(self.blocks), self.count
        for index in indices:
            blocks[index], ended = blocks[index].swept(now=now)
            count -= ended
        return RevocationSet(tuple(blocks), count, self.last_instant) if count < self.count else self


def _position(bucket: bytes, key: bytes) -> int:
    """Return the offset of the entry of `key`, or -1. The same bytes can also stand across two entries."""
    at = bucket.find(key)
    while at >= 0 and at % ENTRY:
        at = bucket.find(key, at + 1)
    return at


def _with_later(bucket: bytes, at: int, until: int, issued_before: int) -> bytes:
    """Return the bucket with the later dates in the entry at this offset."""
    known, instant = DATES.unpack_from(bucket, at + KEY)
    # 0 covers every token, so no instant is later.
    later = max(instant, issued_before) if instant and issued_before else 0
    return bucket[: at + KEY] + DATES.pack(max(known, until), later) + bucket[at + ENTRY :]


def _bits(keys: Iterable[bytes]) -> bytearray:
    """Return the bits of one bucket's keys."""
    bits = bytearray(BITS)
    for key in keys:
        bits[key[2] >> 3] |= 1 << (key[2] & 7)
    return bits


def _first_byte(entry: Entry) -> int:
    return entry[0][0]


@lru_cache(maxsize=1024)
def _untils(count: int) -> struct.Struct:
    """Return the struct that unpacks the ends of so many entries at once: a third of the time of one at a time."""
    return struct.Struct(">" + "16xI4x" * count)


EMPTY = RevocationSet()
