"""Merges packed entries of the revocation feed, and finds when the last of them expires. Pure."""

import struct
from collections.abc import Iterable
from datetime import datetime

from tokens.issued.revocation_key import ENTRY, KEY, LAYOUT


def merged(parts: Iterable[bytes], *, now: datetime | None = None) -> bytes:
    """Merge `parts`, packed entries of the revocation feed, into one packed list, sorted by the entries' lookup keys.

    Keeps only the latest of the entries with the same lookup key, and no entry that expired by `now`.
    """
    ended = struct.pack(">I", int(now.timestamp()) if now else 0)
    entries = [part[start : start + ENTRY] for part in parts for start in range(0, len(part), ENTRY)]
    # The instants in the entries of a key only increase, so the latest entry sorts last.
    latest = {entry[:KEY]: entry for entry in sorted(entries) if entry[KEY : KEY + 4] > ended}
    return b"".join(latest.values())


def until(body: bytes) -> int:
    """Return the Unix second at which every entry of the body has expired."""
    return max(int(until) for _, until, _ in struct.iter_unpack(LAYOUT, body))
