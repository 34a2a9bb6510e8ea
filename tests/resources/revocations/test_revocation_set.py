"""Look-ups, merges and sweeps of the set of revocation entries give the same results as a dictionary."""

import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.revocations.revocation_key import key
from resources.revocations.revocation_set import BLOCKS, EMPTY, ENTRY, LAYOUT, RevocationSet

NOW = 1_800_000_000


def packed(*entries: tuple[bytes, int, int]) -> bytes:
    return b"".join(LAYOUT.pack(*entry) for entry in entries)


def single(name: str, until: int = NOW + 60, before: int = 0) -> RevocationSet:
    return EMPTY.merged(packed((key("jti", name), until, before)), now=NOW)


def test_an_entry_without_an_instant_covers_every_token() -> None:
    assert single("a").covers(key("jti", "a"), 0)
    assert single("a").covers(key("jti", "a"), 2**33)
    assert not single("a").covers(key("jti", "b"), 0)
    assert not EMPTY.covers(key("jti", "a"), 0)


def test_an_entry_with_an_instant_covers_earlier_tokens_only() -> None:
    revocations = single("a", before=NOW)
    assert [revocations.covers(key("jti", "a"), iat) for iat in (NOW - 1, NOW - 0.5, NOW, NOW + 1)] == [
        True,
        True,
        False,
        False,
    ]
    assert revocations.last_instant == NOW


def test_of_two_entries_the_later_dates_count() -> None:
    revocations = single("a", until=NOW + 100, before=NOW + 5).merged(
        packed((key("jti", "a"), NOW + 50, NOW + 9)), now=NOW
    )
    assert (
        revocations.count,
        revocations.covers(key("jti", "a"), NOW + 8),
        revocations.covers(key("jti", "a"), NOW + 9),
    ) == (
        1,
        True,
        False,
    )
    index = key("jti", "a")[0]
    assert revocations.swept([index], now=NOW + 99).count == 1
    assert revocations.swept([index], now=NOW + 100).count == 0


@pytest.mark.parametrize("first", [0, NOW])
def test_an_entry_that_covers_every_token_still_does_after_a_merge(first: int) -> None:
    revocations = single("a", before=first).merged(packed((key("jti", "a"), NOW + 60, NOW - first)), now=NOW)
    assert revocations.covers(key("jti", "a"), NOW + 10**6)


def test_an_expired_entry_is_not_merged() -> None:
    assert EMPTY.merged(packed((key("jti", "a"), NOW, 0)), now=NOW) == EMPTY.merged(b"", now=NOW)


def test_a_merge_does_not_change_the_old_set() -> None:
    before = single("a")
    after = before.merged(packed((key("jti", "b"), NOW + 60, 0)), now=NOW)
    assert (before.count, after.count) == (1, 2)
    assert not before.covers(key("jti", "b"), 0)


def test_a_key_across_two_entries_is_not_found() -> None:
    """A look-up finds a key only at the beginning of an entry.

    The last bytes of an entry and the first bytes of the next entry, read together, can equal another key.
    """
    left, right = bytes(2) + os.urandom(14), bytes(2) + os.urandom(14)
    entries = packed((left, 0x7FFF0000, 0x0000ABCD), (right, 0x7FFF0000, 0))
    revocations = EMPTY.merged(entries, now=NOW)
    for offset in range(1, ENTRY):
        across = entries[offset : offset + 16]
        index = across[0] << 8 | across[1]
        assert index != 0 or not revocations.covers(across, 0)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(NOW - 5, NOW + 50), st.sampled_from([0, NOW - 9, NOW, NOW + 9])))
)
def test_the_set_is_a_dictionary_with_the_later_dates(entries: list[tuple[int, int, int]]) -> None:
    # 41 keys in two buckets, so that entries lie beside each other
    def name(number: int) -> bytes:
        return bytes([0, number % 2]) + number.to_bytes(14, "big")

    revocations, expected = EMPTY, {}
    for number, until, before in entries:
        revocations = revocations.merged(packed((name(number), until, before)), now=NOW)
        if until > NOW:
            old = expected.get(number)
            both = old is None or (old[1] and before)
            expected[number] = (
                max(until, old[0] if old else 0),
                (max(before, old[1] if old else 0) if both else 0),
            )
    assert revocations.count == len(expected)
    for number in range(41):
        dates = expected.get(number)
        for iat in (NOW - 10, NOW - 9, NOW, NOW + 8, NOW + 9):
            assert revocations.covers(name(number), iat) == (dates is not None and (dates[1] == 0 or iat < dates[1]))
    later = revocations.swept(range(BLOCKS), now=NOW + 25)
    assert later.count == sum(until > NOW + 25 for until, _ in expected.values())


def test_a_hundred_thousand_entries_are_each_found_and_take_little_memory() -> None:
    generator = random.Random(1)
    names = [generator.randbytes(16) for _ in range(100_000)]
    revocations = EMPTY.merged(packed(*((name, NOW + 60, 0) for name in sorted(names))), now=NOW)
    assert revocations.count == len(names)
    assert all(revocations.covers(name, 0) for name in names)
    assert not any(revocations.covers(generator.randbytes(16), 0) for _ in range(10_000))
    assert sorted(key for key, _, _ in revocations) == sorted(names)


def test_entries_that_differ_in_late_bytes_only_are_distinguished_after_a_sweep() -> None:
    """A sweep removes one of two entries that share a bucket and a bit, and keeps the other.

    The bit stays set until both entries are removed.
    """
    names = [bytes([1, 2, 3]) + bytes(12) + bytes([number]) for number in range(3)]
    revocations = EMPTY.merged(packed((names[0], NOW + 10, 0), (names[1], NOW + 20, 0)), now=NOW)
    assert [revocations.covers(name, 0) for name in names] == [True, True, False]
    revocations = revocations.swept([1], now=NOW + 10)
    assert [revocations.covers(name, 0) for name in names] == [False, True, False]
    revocations = revocations.swept([1], now=NOW + 20)
    assert (revocations.count, revocations.blocks[1].bits.count(0)) == (0, len(revocations.blocks[1].bits))
