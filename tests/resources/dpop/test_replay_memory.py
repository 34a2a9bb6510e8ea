"""The memory of accepted DPoP proofs: how long it stores a proof, and its maximum size."""

import secrets

import pytest

from resources.dpop.replay_memory import LIMIT, ReplayMemory
from resources.errors import Unavailable


def test_a_proof_is_new_once_and_again_after_twice_the_time() -> None:
    memory = ReplayMemory(seconds=90)
    assert memory.add(b"a", 1000)
    assert not memory.add(b"a", 1000)
    assert memory.add(b"a", 1180)


@pytest.mark.parametrize("first", [1000, 1000.5, 1045, 1089.999])
def test_a_proof_is_stored_for_the_time_whenever_it_was_added(first: float) -> None:
    memory = ReplayMemory(seconds=90)
    memory.add(b"before", 1000)
    memory.add(b"a", first)
    for now in (first, 1089, 1090, 1091, first + 89.9, first + 90):
        assert not memory.add(b"a", max(first, now)), now


def test_after_a_clock_goes_back_a_proof_is_still_refused() -> None:
    memory = ReplayMemory(seconds=90)
    memory.add(b"a", 1000)
    assert not memory.add(b"a", 500)


def test_of_twice_as_many_random_proofs_no_more_than_the_limit_are_stored() -> None:
    memory, refused = ReplayMemory(seconds=90), 0
    for number in range(2 * LIMIT):
        try:
            memory.add(secrets.token_bytes(16), number / 5_000)  # 52 s: none is discarded because of its age
        except Unavailable:
            refused += 1
        assert len(memory) <= LIMIT
    assert (len(memory), refused) == (LIMIT, LIMIT)


def test_a_full_memory_refuses_new_and_used_proofs_until_one_expires() -> None:
    memory = ReplayMemory(seconds=90, limit=2)
    assert memory.add(b"a", 1000)
    assert memory.add(b"b", 1000)
    assert not memory.add(b"a", 1001)
    with pytest.raises(Unavailable):
        memory.add(b"c", 1001)
    assert memory.add(b"c", 1180)
