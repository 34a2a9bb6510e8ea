"""Merges packed entries of the revocation feed, and finds when the last entry expires. Pure.

An entry is a record of fixed length: a lookup key, the time at which the entry expires, and the time before which the
revoked tokens were issued.
"""

import struct
from collections.abc import Iterable
from datetime import datetime

from tokens.issued.revocation_key import ENTRY, KEY, LAYOUT


def merged(parts: Iterable[bytes], *, now: datetime | None = None) -> bytes:
    """Merge `parts`, which are packed entries of the revocation feed, into one packed list.

    The list is sorted by lookup key. Of several entries with the same lookup key, only the one that expires last is
    kept. If `now` is given, entries that have expired by `now` are dropped.
    """
    ended = struct.pack(">I", int(now.timestamp()) if now else 0)
    entries = [part[start : start + ENTRY] for part in parts for start in range(0, len(part), ENTRY)]
    # The instants in the entries of a key only increase, so the latest entry sorts last.
    latest = {entry[:KEY]: entry for entry in sorted(entries) if entry[KEY : KEY + 4] > ended}
    return b"".join(latest.values())


def until(body: bytes) -> int:
    """Return the time at which the last of the packed entries expires, as Unix time in seconds.

    `body` must have at least one entry.
    """
    return max(int(until) for _, until, _ in struct.iter_unpack(LAYOUT, body))
