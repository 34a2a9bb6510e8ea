"""The issuer's copy of a client's published keys.

The test controls the clock, the fetches and the threads.
"""

import logging
from threading import Event
from unittest.mock import Mock

import pytest

from tests.tokens.assertions import public_jwk
from tokens.clients.key_copy import KEPT, PAUSE, REFRESH, STALE, KeyCopy, Undetermined
from tokens.jose import public_keys


class Address:
    """A fake address that publishes keys with the kids `kids`, and the issuer's copy of these keys.

    No thread is started. The fetches that would run in threads are appended to the list `threads`. The method `run`
    runs them.
    """

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

    def loaded(self):
        with pytest.raises(Undetermined):
            self.find()
        self.run()
        return self


def test_requests_without_a_copy_wait_for_the_same_fetch():
    address = Address()
    for _ in range(3):
        with pytest.raises(Undetermined):
            address.find()
    address.run()
    assert (address.find(), address.fetches) == (["one"], 1)


def test_a_request_that_waits_until_the_fetch_ends_gets_the_keys():
    address = Address(spawn=lambda work: work())
    assert address.find() == ["one"]


def test_a_request_gets_the_keys_of_a_fetch_that_ends_while_it_waits():
    room = Mock()
    address = Address(room=room)
    room.acquire.side_effect = lambda *, blocking: address.run() or True
    assert address.find() == ["one"]
    assert room.release.call_count == 1


def test_a_known_key_is_used_at_once_and_refreshed_in_the_background():
    address = Address().loaded()
    address.now += REFRESH - 1
    assert (address.find(), address.threads) == (["one"], [])
    address.now += 1
    assert address.find() == ["one"]
    address.kids = ["two"]
    address.run()
    assert address.find() == ["two"], "what a fetch lacks ends at once"


def test_the_age_of_the_copy_includes_the_duration_of_its_fetch():
    address = Address()
    with pytest.raises(Undetermined):
        address.find()
    address.now += 20
    address.run()
    address.now += REFRESH - 20
    assert address.find() == ["one"]
    assert len(address.threads) == 1, "REFRESH after the start of the last fetch, the next one starts"


@pytest.mark.parametrize(("age", "served"), [(STALE - 1, ["one"]), (STALE, []), (KEPT, [])])
def test_a_removed_key_is_used_for_five_minutes_at_most(age, served):
    """When the copy of the keys is five minutes old, a request waits until they have been fetched again."""
    address = Address(spawn=lambda work: work() if address.now >= 1000 + STALE or not address.fetches else None)
    assert address.find() == ["one"]
    address.kids, address.now = [], address.now + age
    assert address.find() == served


def test_a_request_waits_for_a_running_fetch_once_the_copy_is_stale():
    address = Address(room=(room := Mock())).loaded()
    room.reset_mock()
    address.now += STALE - 1
    assert (address.find(), room.acquire.called) == (["one"], False)
    address.now += 1
    assert (address.find(), room.acquire.called) == (["one"], True)


@pytest.mark.parametrize("brought", ["nothing", "a failure"])
def test_a_key_is_dropped_by_a_fetch_that_lacks_it_or_after_an_hour_of_failures(brought):
    address = Address().loaded()
    address.kids, address.fails = [], OSError("down") if brought == "a failure" else None
    address.now += KEPT
    assert address.find() == ["one"]
    address.run()
    assert address.find() == ([] if brought == "nothing" else ["one"])
    address.now += 1
    assert address.find() == []


def test_an_unknown_kid_causes_one_fetch_within_the_pause_and_is_answered_from_the_copy():
    address = Address().loaded()
    assert (address.find("x"), address.fetches) == (["one"], 1), "fetched a moment ago"
    address.now += PAUSE
    with pytest.raises(Undetermined):
        address.find("x")
    assert address.find() == ["one"]
    address.run()
    assert [address.find(f"x{number}") for number in range(9)] == [["one"]] * 9
    assert address.fetches == 2


def test_after_a_failure_the_next_fetch_waits_for_the_pause(caplog):
    caplog.set_level(logging.WARNING)
    address = Address()
    address.fails = RuntimeError("whatever it is")
    address.loaded()
    assert "whatever it is" in caplog.text
    assert (address.find(), address.threads) == ([], [])
    address.now, address.fails = address.now + PAUSE, None
    assert address.loaded().find() == ["one"]


def test_an_assertion_without_a_kid_starts_no_second_fetch():
    address = Address().loaded()
    address.now += PAUSE
    assert (address.find(None), address.threads) == (["one"], [])


def test_a_key_without_a_kid_is_returned_for_an_unknown_kid_at_once():
    address = Address()
    address.kids = [None]
    address.loaded()
    address.now += PAUSE
    assert address.find("x") == [None]
    address.kids = ["x"]
    address.run()
    assert address.find("x") == ["x"], "it was looked for in the background"


def test_without_a_free_thread_there_is_no_key_and_a_later_request_tries_again():
    def full(_):
        raise RuntimeError("can't start new thread")

    address = Address(spawn=full)
    assert [address.find(), address.find()] == [[], []]
    address.now += PAUSE
    assert address.find() == []
    assert address.fetches == 0


def test_the_number_of_waiting_requests_is_bounded_and_places_are_reused():
    address = Address(waiters=0)
    with pytest.raises(Undetermined):
        address.find()
    address.run()
    assert address.find() == ["one"]
    landed = Event()
    address = Address(waiters=1, patience=10, spawn=lambda work: (work(), landed.set()))
    assert address.find() == ["one"]
    assert landed.is_set()
