"""Merging packed entries of the revocation feed.

If entries have the same key, the latest entry counts. Expired entries are dropped.
"""

import struct
from datetime import UTC, datetime

from tokens.issued.revocation_key import ENTRY, KEY, LAYOUT
from tokens.revoking import feed_entries


def entry(name, until, at=0):
    return struct.pack(LAYOUT, name.encode().ljust(KEY, b"\0"), until, at)


A, B, A_LATER = entry("a", 100), entry("b", 200), entry("a", 300)


def test_entries_of_all_parts_are_sorted_by_key_and_the_latest_of_a_key_stays():
    assert feed_entries.merged([B + A_LATER, A]) == A_LATER + B
    assert len(A) == ENTRY


def test_an_expired_entry_is_dropped_and_one_that_expires_later_is_not():
    assert feed_entries.merged([A + B], now=datetime.fromtimestamp(99, UTC)) == A + B
    assert feed_entries.merged([A + B], now=datetime.fromtimestamp(100, UTC)) == B
    assert feed_entries.merged([]) == b""


def test_a_body_ends_with_its_last_entry():
    assert feed_entries.until(A_LATER + B) == 300
