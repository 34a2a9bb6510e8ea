"""The entries of a revocation feed in 24 bytes each, for look-ups by key. Pure and immutable.

Entries (docs/revocation-feed.md section 1) lie one after the other in 65,536 buckets, by the first two bytes of their
key. A look-up is one search in one bucket of a few hundred bytes if the set has a million entries. A merge copies the
list of buckets and the buckets that change, so a reader sees either the old set or the new one, without a lock.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

ENTRY = 24  # bytes: key, until, issued_before
KEY = 16
LAYOUT = struct.Struct(">16sII")
DATES = struct.Struct(">II")
BUCKETS = 65_536


@dataclass(frozen=True, slots=True)
class RevocationSet:
    """A set of entries; `last_instant` is the latest `issued_before` in it, in Unix seconds, 0 for none."""

    buckets: Sequence[bytes] = (b"",) * BUCKETS
    count: int = 0
    last_instant: int = 0

    def covers(self, key: bytes, iat: float) -> bool:
        """True if the entry of `key` covers a token that was issued at `iat`."""
        bucket = self.buckets[key[0] << 8 | key[1]]
        at = bucket.find(key)  # `in` takes twice as long: it tries `key` as a number first
        if at < 0 or (at % ENTRY and (at := _position(bucket, key)) < 0):
            return False
        issued_before: int = DATES.unpack_from(bucket, at + KEY)[1]
        return issued_before == 0 or iat < issued_before

    def merged(self, packed: bytes, *, now: float) -> "RevocationSet":
        """Return a set that also has the live entries of `packed`; entries of one key merge to the later dates.

        `packed` is a whole number of entries, `now` in Unix seconds.
        """
        buckets, count, last_instant = list(self.buckets), self.count, self.last_instant
        for key, until, issued_before in LAYOUT.iter_unpack(packed):
            if until <= now:
                continue
            index = key[0] << 8 | key[1]
            bucket = buckets[index]
            at = _position(bucket, key) if bucket else -1
            if at < 0:
                buckets[index] = bucket + LAYOUT.pack(key, until, issued_before)
                count += 1
            else:
                dates = DATES.unpack_from(bucket, at + KEY)
                later = DATES.pack(max(dates[0], until), _later(dates[1], issued_before))
                buckets[index] = bucket[: at + KEY] + later + bucket[at + ENTRY :]
            last_instant = max(last_instant, issued_before)
        return RevocationSet(buckets, count, last_instant)

    def swept(self, indices: Iterable[int], *, now: float) -> "RevocationSet":
        """Return a set without the ended entries of these buckets; `now` in Unix seconds."""
        changed, ended = {}, 0
        for index in indices:
            bucket = self.buckets[index]
            if bucket and min(_untils(len(bucket) // ENTRY).unpack(bucket)) <= now:
                kept = b"".join(LAYOUT.pack(*entry) for entry in LAYOUT.iter_unpack(bucket) if entry[1] > now)
                changed[index], ended = kept, ended + (len(bucket) - len(kept)) // ENTRY
        if not changed:
            return self
        buckets = list(self.buckets)
        for index, kept in changed.items():
            buckets[index] = kept
        return RevocationSet(buckets, self.count - ended, self.last_instant)


def _position(bucket: bytes, key: bytes) -> int:
    """Return the offset of the entry of `key`, or -1. The same bytes can also stand across two entries."""
    at = bucket.find(key)
    while at >= 0 and at % ENTRY:
        at = bucket.find(key, at + 1)
    return at


@lru_cache(maxsize=1024)
def _untils(count: int) -> struct.Struct:
    """Return what unpacks the ends of so many entries at once: a third of the time of one after the other."""
    return struct.Struct(">" + "16xI4x" * count)


def _later(one: int, other: int) -> int:
    """Return the later `issued_before`; 0 covers every token."""
    return max(one, other) if one and other else 0


EMPTY = RevocationSet()
