"""The slots of a process: it sends at most one logout message per slot at the same time.

A client gets few of the slots. All failing and slow clients together get only a part of the slots, so that they do not
delay other clients.
"""

from tokens.back_channel.slots import FOR_TROUBLE, IN_ALL, PER_CLIENT, SLOW, Slots


def trouble(slots, client, *, seconds=0.0, succeeded=False):
    slots.begin(client)
    slots.end(client, succeeded=succeeded, seconds=seconds)


def test_a_client_gets_its_slots_and_no_more_until_one_ends():
    slots = Slots()
    for _ in range(PER_CLIENT):
        assert slots.barred() == set()
        slots.begin("a")
    assert slots.barred() == {"a"}
    slots.end("a", succeeded=True, seconds=0.0)
    assert slots.barred() == set()


def test_a_client_that_failed_gets_one_slot_until_it_succeeds():
    slots = Slots()
    trouble(slots, "a")
    slots.begin("a")
    assert slots.barred() == {"a"}
    slots.end("a", succeeded=True, seconds=0.0)
    slots.begin("a")
    assert slots.barred() == set()


def test_a_client_that_accepts_slowly_counts_as_failing_too():
    slots = Slots()
    trouble(slots, "slow", succeeded=True, seconds=SLOW * 1.01)
    trouble(slots, "quick", succeeded=True, seconds=SLOW)
    slots.begin("slow")
    slots.begin("quick")
    assert slots.barred() == {"slow"}


def test_failing_clients_leave_slots_to_the_others():
    slots, troubled = Slots(), {f"t{number}" for number in range(FOR_TROUBLE + 1)}
    for client in troubled:
        trouble(slots, client)
    for client in sorted(troubled)[:FOR_TROUBLE]:
        slots.begin(client)
    assert slots.barred() == troubled, "also the one that has no delivery"
    assert not slots.are_full
    for number in range(IN_ALL - FOR_TROUBLE):
        slots.begin(f"quick{number}")
    assert slots.are_full
