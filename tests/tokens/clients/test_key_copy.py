"""One copy of a client's keys, with the clock, the fetch and the threads in the test's hands."""

import logging
from threading import Event

import pytest

from tests.tokens.assertions import public_jwk
from tokens.clients.key_copy import KEPT, PAUSE, REFRESH, STALE, KeyCopy, Undetermined
from tokens.jose import public_keys


class Address:
    """What an address publishes; fetches wait in `threads` until they are let run."""

    def __init__(self, **options):
        self.kids, self.now, self.fetches, self.threads, self.fails = ["one"], 1000.0, 0, [], None
        given = {"clock": lambda: self.now, "spawn": self.threads.append, "patience": 0} | options
        self.copy = KeyCopy(self.fetch, **given)

    def fetch(self):
        self.fetches += 1
        if self.fails:
            raise self.fails
        return public_keys.published({"keys": [public_jwk(kid=kid, name=str(kid)) for kid in self.kids]})

    def run(self):
        while self.threads:
            self.threads.pop()()

    def find(self, kid="one"):
        return [key.kid for key in self.copy.find(kid)]

    def known(self):
        with pytest.raises(Undetermined):
            self.find()
        self.run()
        return self


def test_a_first_look_waits_for_one_fetch_whoever_else_looks():
    address = Address()
    for _ in range(3):
        with pytest.raises(Undetermined):
            address.find()
    address.run()
    assert (address.find(), address.fetches) == (["one"], 1)


def test_who_waits_long_enough_has_the_keys():
    address = Address(spawn=lambda work: work())
    assert address.find() == ["one"]


def test_a_key_that_is_known_is_had_at_any_age_and_looked_after_in_the_background():
    address = Address().known()
    address.now += REFRESH - 1
    assert (address.find(), address.threads) == (["one"], [])
    address.now += 1
    assert address.find() == ["one"]
    address.kids = ["two"]
    address.run()
    assert address.find() == ["two"], "what a fetch lacks ends at once"


@pytest.mark.parametrize(("age", "served"), [(STALE - 1, ["one"]), (STALE, []), (KEPT, [])])
def test_a_key_that_its_client_took_away_is_good_for_no_longer_than_five_minutes(age, served):
    """Whoever asks first after that waits for the fetch: that it was asked for is not enough."""
    address = Address(spawn=lambda work: work() if address.now >= 1000 + STALE or not address.fetches else None)
    assert address.find() == ["one"]
    address.kids, address.now = [], address.now + age
    assert address.find() == served


@pytest.mark.parametrize("brought", ["nothing", "a failure"])
def test_keys_end_with_a_fetch_that_lacks_them_and_an_hour_after_the_last_one_where_it_fails(brought):
    address = Address().known()
    address.kids, address.fails = [], OSError("down") if brought == "a failure" else None
    address.now += KEPT
    assert address.find() == ["one"]
    address.run()
    assert address.find() == ([] if brought == "nothing" else ["one"])
    address.now += 1
    assert address.find() == []


def test_an_unknown_kid_is_looked_for_once_in_a_while_and_answered_from_the_copy_meanwhile():
    address = Address().known()
    assert (address.find("x"), address.fetches) == (["one"], 1), "fetched a moment ago"
    address.now += PAUSE
    with pytest.raises(Undetermined):
        address.find("x")
    assert address.find() == ["one"]
    address.run()
    assert [address.find(f"x{number}") for number in range(9)] == [["one"]] * 9
    assert address.fetches == 2


def test_after_a_failure_nobody_asks_again_for_a_while(caplog):
    caplog.set_level(logging.WARNING)
    address = Address()
    address.fails = RuntimeError("whatever it is")
    address.known()
    assert "whatever it is" in caplog.text
    assert (address.find(), address.threads) == ([], [])
    address.now, address.fails = address.now + PAUSE, None
    assert address.known().find() == ["one"]


def test_an_assertion_without_a_kid_waits_for_no_second_fetch():
    address = Address().known()
    address.now += PAUSE
    assert (address.find(None), address.threads) == (["one"], [])


def test_a_key_without_a_name_may_be_the_one_that_is_looked_for():
    address = Address()
    address.kids = [None]
    address.known()
    address.now += PAUSE
    assert address.find("x") == [None]
    address.kids = ["x"]
    address.run()
    assert address.find("x") == ["x"], "it was looked for in the background"


def test_without_a_thread_to_fetch_in_there_is_no_key_and_the_next_one_tries_again():
    def full(_):
        raise RuntimeError("can't start new thread")

    address = Address(spawn=full)
    assert [address.find(), address.find()] == [[], []]
    address.now += PAUSE
    assert address.find() == []
    assert address.fetches == 0


def test_the_waiting_room_holds_as_many_as_it_is_told_and_is_free_again_afterwards():
    address = Address(waiters=0)
    with pytest.raises(Undetermined):
        address.find()
    address.run()
    assert address.find() == ["one"]
    landed = Event()
    address = Address(waiters=1, patience=10, spawn=lambda work: (work(), landed.set()))
    assert address.find() == ["one"]
    assert landed.is_set()
