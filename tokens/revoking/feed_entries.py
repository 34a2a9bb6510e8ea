"""The packed entries of the revocation feed: merge them, and find when the last one ends. Pure."""

import struct
from collections.abc import Iterable
from datetime import datetime

from tokens.issued.revocation_key import ENTRY, KEY, LAYOUT


def merged(parts: Iterable[bytes], *, now: datetime | None = None) -> bytes:
    """Merge the parts: return the latest entry of each key, sorted by key, without entries that expired by `now`."""
    ended = struct.pack(">I", int(now.timestamp()) if now else 0)
    entries = [part[start : start + ENTRY] for part in parts for start in range(0, len(part), ENTRY)]
    # The instants of a key only grow, so its latest entry sorts last.
    latest = {entry[:KEY]: entry for entry in sorted(entries) if entry[KEY : KEY + 4] > ended}
    return b"".join(latest.values())


def until(body: bytes) -> int:
    """Return the Unix second at which the last entry of the body expires."""
    return max(int(until) for _, until, _ in struct.iter_unpack(LAYOUT, body))
