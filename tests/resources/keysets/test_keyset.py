"""The cache of an issuer's keys, on a clock that the test sets."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from resources.errors import Unavailable
from resources.jose.jwk import Key, Verdict
from resources.keysets.key_pins import PinnedKeys
from resources.keysets.key_policy import DEVELOPMENT, PRODUCTION, Timing
from resources.keysets.keyset import Fetched, KeySet
from resources.testing import jwks
from resources.thread_limit import WaitLimit

RS = "RS256"


class World:
    """A key set with a settable clock, and an issuer whose answers the test defines.

    If `at_once`, a fetch ends immediately. Otherwise it ends when the test calls `land`.
    """

    def __init__(
        self, timing: Timing = PRODUCTION, *, at_once: bool = True, serving: int = 1, jitter: float = 0.0
    ) -> None:
        self.now = 1000.0
        self.published: Sequence[str] | Exception | None = ("a",)
        self.max_age: float | None = None
        self.fetches: list[tuple[str, bool]] = []
        self.pending: list[Callable[[], None]] = []
        self.at_once = at_once
        self.set = KeySet(
            self.fetch,
            clock=lambda: self.now,
            timing=timing,
            spawn=self.spawn,
            jitter=lambda: jitter,
            wait_limit=WaitLimit(serving=lambda: serving),
        )

    def spawn(self, work: Callable[[], None]) -> None:
        if self.at_once:
            work()
        else:
            self.pending.append(work)

    def land(self) -> None:
        for work in self.pending:
            work()
        self.pending = []

    def fetch(self, *, etag: str, forced: bool) -> Fetched:
        self.fetches.append((etag, forced))
        if isinstance(self.published, Exception):
            raise self.published
        if self.published is None:
            return Fetched(None, etag, self.max_age)
        return Fetched([verdict(kid) for kid in self.published], "v" + ",".join(self.published), self.max_age)

    def find(self, kid: str) -> str:
        """Look up the key with this kid. Return "found", "unknown", or "unavailable" with the seconds until a retry."""
        try:
            return "found" if self.set.find(kid, RS) else "unknown"
        except Unavailable as error:
            return f"unavailable {error.retry_after}"

    def at(self, seconds: float) -> "World":
        self.now = 1000.0 + seconds
        return self


def verdict(kid: str, number: int = 0) -> Verdict:
    return Verdict(kid, Key(kid, frozenset({RS}), f"{kid}{number}"))


def test_a_known_kid_costs_one_fetch_in_four_minutes() -> None:
    world = World()
    assert [world.at(seconds).find("a") for seconds in (0, 1, 100, 239)] == ["found"] * 4
    assert world.fetches == [("", False)]


def test_keys_are_refreshed_in_the_background_at_four_fifths_of_their_freshness() -> None:
    world = World()
    world.find("a")
    world.at_once = False
    assert world.at(240).find("a") == "found"
    assert (world.fetches, len(world.pending)) == ([("", False)], 1)
    world.land()
    assert world.fetches == [("", False), ("va", False)]


def test_the_servers_max_age_counts_within_a_minute_and_an_hour() -> None:
    for max_age, fresh in ((0.0, 60), (59.0, 60), (61.0, 61), (3600.0, 3600), (90000.0, 3600), (None, 300)):
        world = World()
        world.max_age = max_age
        world.find("a")
        world.at_once = False
        world.at(0.8 * fresh - 1).find("a")
        assert world.pending == []
        world.at(0.8 * fresh + 1).find("a")
        assert len(world.pending) == 1


def test_stale_keys_serve_for_an_hour_after_freshness_and_failed_refreshes_do_not_extend_it() -> None:
    world = World()
    world.find("a")
    world.published = OSError("refused")
    for seconds in range(240, 3900, 60):
        assert world.at(seconds).find("a") == "found"
    assert world.at(3899.9).find("a") == "found"
    assert world.at(3900).find("a").startswith("unavailable")


def test_not_modified_makes_the_same_keys_fresh_again() -> None:
    world = World()
    world.find("a")
    world.published = None
    world.at(3000).find("a")
    assert world.fetches[-1] == ("va", False)
    world.published = OSError("refused")
    assert world.at(3000 + 3899).find("a") == "found"
    assert world.at(3000 + 3900).find("a").startswith("unavailable")


def test_a_key_that_a_successful_fetch_lacks_is_dropped_at_once() -> None:
    world = World()
    world.published = ("a", "b")
    assert world.find("b") == "found"
    world.published = ("a",)
    world.at(250).find("a")
    assert world.at(251).find("b") == "unknown"


def test_an_empty_set_drops_every_key_and_makes_tokens_unavailable_not_invalid() -> None:
    world = World()
    world.find("a")
    world.published = ()
    world.at(250).find("a")
    assert world.at(251).find("a").startswith("unavailable")


def test_a_process_without_keys_answers_unavailable_with_one_fetch_per_step_of_the_back_off() -> None:
    world = World()
    world.published = OSError("refused")
    answers = [world.at(tenth / 10).find("a") for tenth in range(1200)]
    assert set(answers) <= {f"unavailable {seconds}" for seconds in range(1, 61)}
    assert len(world.fetches) == 7  # at 0, 1, 3, 7, 15, 31 and 63 seconds
    world.published = ("a",)
    assert world.at(123).find("a") == "found"


def test_back_off_never_exceeds_a_minute_and_success_ends_it() -> None:
    world = World()
    world.published = OSError("refused")
    for second in range(1000):
        world.at(second).find("a")
    assert world.at(1000).find("a") in {f"unavailable {seconds}" for seconds in range(1, 61)}
    world.published = ("a",)
    assert world.at(1060).find("a") == "found"
    world.published = OSError("refused")
    world.at(1400).find("a")
    world.at(1402).find("a")
    assert len([1 for _ in world.fetches]) == world.set.status()["fetches"]
    assert world.set.status()["next_attempt"] <= 2


def test_an_unknown_kid_is_fetched_once_and_then_cached_for_a_minute() -> None:
    world = World()
    world.find("a")
    assert world.at(20).find("x") == "unknown"
    assert world.fetches == [("", False), ("va", True)]
    assert [world.at(seconds).find("x") for seconds in (21, 40, 79)] == ["unknown"] * 3
    assert len(world.fetches) == 2
    world.at(81).find("x")
    assert len(world.fetches) == 3


def test_a_new_kid_is_found_by_one_fetch_that_bypasses_caches() -> None:
    world = World()
    world.find("a")
    world.published = ("a", "b")
    assert [world.at(1).find("b"), world.find("b"), world.find("a")] == ["found"] * 3
    assert world.fetches == [("", False), ("va", True)]


def test_a_flood_of_random_kids_costs_two_fetches_and_one_every_ten_seconds() -> None:
    world = World()
    world.find("a")
    for tenth in range(10 * 95):
        assert world.at(1 + tenth / 10).find(f"random-{tenth}") == "unknown"
        assert world.find("a") == "found"
    forced = [fetch for fetch in world.fetches if fetch[1]]
    assert len(forced) == 2 + 9
    assert world.set.status()["unknown_kids"] == 128


def test_while_fetches_fail_an_unknown_kid_is_undetermined_and_known_ones_serve() -> None:
    world = World()
    world.find("a")
    world.published = OSError("refused")
    assert world.at(11).find("x").startswith("unavailable")
    assert world.find("a") == "found"
    assert world.at(12).find("y").startswith("unavailable")
    fetches = [world.at(20 + second).find(f"z{second}") for second in range(60)]
    assert set(fetches) <= {f"unavailable {seconds}" for seconds in range(1, 61)}
    assert len(world.fetches) <= 1 + 2 + 8


def test_a_kid_counts_as_unknown_without_a_fetch_only_within_ten_seconds_of_a_successful_one() -> None:
    world = World()
    world.find("a")
    assert [world.at(1).find("x"), world.at(1).find("y"), world.at(10.9).find("z")] == ["unknown"] * 3
    assert len(world.fetches) == 3
    world.published = OSError("refused")
    world.at(11.1).find("w")
    assert world.at(11.2).find("v") == "unavailable 10"  # until the bucket has a token again


def test_a_kid_counts_as_unknown_until_exactly_ten_seconds_after_the_last_successful_fetch() -> None:
    world = World()
    world.find("a")
    world.at(1).find("x")
    world.published = OSError("refused")
    assert world.at(11).find("y") == "unknown"
    assert world.at(11.1).find("z").startswith("unavailable")


def test_a_changed_set_clears_the_memory_of_unknown_kids_and_an_unchanged_one_does_not() -> None:
    world = World()
    world.find("a")
    world.at(1).find("x")
    world.at(250).find("a")
    assert world.set.status()["unknown_kids"] == 1
    world.published = ("a", "b")
    world.at(500).find("a")
    assert world.set.status()["unknown_kids"] == 0


def test_a_bad_signature_refreshes_in_the_background_within_the_same_bucket() -> None:
    world = World()
    world.find("a")
    for _ in range(50):
        world.set.recheck()
    assert world.fetches == [("", False), ("va", True), ("va", True)]


def test_a_fetch_that_does_not_end_is_abandoned_and_its_late_result_is_dropped() -> None:
    world = World(at_once=False, timing=Timing(patience=0.001))
    assert world.find("a") == "unavailable 1"
    late, world.pending = world.pending, []
    assert world.at(5.9).find("a") == "unavailable 1"
    assert world.pending == []
    world.at(7)
    assert world.find("a") == "unavailable 1"  # given up, and backing off
    assert world.set.status()["failures"] == 1
    late[0]()
    assert world.set.status()["kids"] == []
    world.at(9).find("a")
    world.land()
    assert world.find("a") == "found"


def test_eight_requests_wait_for_one_fetch_and_further_ones_get_unavailable() -> None:
    world = World(at_once=False, timing=Timing(patience=5), serving=40)
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(world.find("a"))) for _ in range(40)]
    for thread in threads:
        thread.start()
    while len(answers) < 32:
        threading.Event().wait(0.001)
    world.land()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["found"] * 8 + ["unavailable 1"] * 32
    assert len(world.fetches) == 1


def test_a_thread_that_cannot_be_started_is_a_failed_fetch() -> None:
    world = World()

    def refuse(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    world.set = KeySet(world.fetch, clock=lambda: world.now, spawn=refuse)
    assert world.find("a") == "unavailable 1"
    assert world.set.status()["last_error"] == "can't start new thread"


def test_status_shows_keys_ages_and_failures() -> None:
    world = World()
    world.published = ("b", "a")
    world.find("a")
    assert world.at(100).set.status() == {
        "kids": ["a", "b"],
        "age": 100,
        "fresh": True,
        "usable": True,
        "next_attempt": 140,
        "last_error": "",
        "fetches": 1,
        "failures": 0,
        "unknown_kids": 0,
    }


def test_a_key_set_is_ready_if_one_attempt_brings_keys() -> None:
    world = World()
    world.published = OSError("refused")
    assert [world.set.ready(), world.set.ready()] == [False, False]
    assert len(world.fetches) == 1
    world.published = ("a",)
    assert world.at(2).set.ready()


def test_key_pins_need_no_network() -> None:
    pinned = PinnedKeys([verdict("a"), Verdict("b", problem="bad")])
    pinned.recheck()
    assert [len(pinned.find(kid, RS)) for kid in ("a", "b")] == [1, 0]
    assert pinned.find("a", "PS256") == []
    assert pinned.ready()
    assert not PinnedKeys([]).ready()
    assert pinned.status() == {"kids": ["a"], "pinned": True, "usable": True}


def test_the_longest_use_of_a_copy_is_the_number_of_the_rotation_rules() -> None:
    assert (PRODUCTION.longest_use, DEVELOPMENT.longest_use) == (7205, 12)
    assert jwks()["keys"]


def test_a_kid_that_the_issuer_once_published_is_remembered_as_unknown_for_ten_seconds_only() -> None:
    world = World()
    assert world.find("a") == "found"
    world.published = ("b",)  # for half a second, the set lacks the key that signs
    world.at(250).find("a")
    assert world.at(251).find("a") == "unknown"
    world.published = ("a", "b")
    assert world.at(259).find("a") == "unknown"
    assert world.at(262).find("a") == "found"


def test_a_kid_that_was_published_counts_as_unknown_for_ten_seconds_after_the_fetch_that_lacked_it() -> None:
    world = World()
    world.find("a")
    world.published = ("b",)
    world.at(250).find("a")
    assert [world.at(250.1).find(kid) for kid in ("x", "y")] == ["unknown"] * 2  # the bucket is empty now
    assert world.at(259.9).find("a") == "unknown"
    world.published = ("a", "b")
    assert world.at(260.5).find("a") == "found"


def test_a_kid_that_was_never_published_is_still_remembered_for_a_minute() -> None:
    world = World()
    world.find("a")
    assert world.at(20).find("x") == "unknown"
    fetches = len(world.fetches)
    assert [world.at(seconds).find("x") for seconds in (31, 45, 79)] == ["unknown"] * 3
    assert len(world.fetches) == fetches


def test_a_removed_key_is_refused_at_once_and_costs_one_fetch_every_ten_seconds() -> None:
    world = World()
    world.published = ("a", "b")
    world.find("b")
    world.published = ("a",)
    world.at(250).find("a")
    before = len(world.fetches)
    answers = [world.at(250 + tenth / 10).find("b") for tenth in range(1, 10 * 60)]
    assert set(answers) == {"unknown"}
    assert len(world.fetches) - before <= 2 + 6


def test_the_memory_of_published_kids_is_bounded() -> None:
    world = World()
    for number in range(1000):
        world.published = (f"kid-{number}",)
        world.at(400 * number).find(f"kid-{number}")
    assert len(world.set._published) <= PRODUCTION.unknown_remembered


@pytest.mark.parametrize(("serving", "waiting"), [(1, 1), (4, 2), (8, 4), (16, 8), (32, 8)])
def test_at_most_half_of_the_threads_wait_for_an_unknown_kid(serving: int, waiting: int) -> None:
    world = World(at_once=True, timing=Timing(patience=30), serving=serving)
    world.find("a")
    world.at_once = False
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(world.find("x"))) for _ in range(serving + 1)]
    for thread in threads:
        thread.start()
    while len(answers) < serving + 1 - waiting:
        threading.Event().wait(0.001)
    assert set(answers) == {"unavailable 1"}
    assert world.find("a") == "found"
    world.land()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["unavailable 1"] * (serving + 1 - waiting) + ["unknown"] * waiting


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 240), (0.5, 228), (1.0, 216)])
def test_the_random_number_makes_a_process_fetch_up_to_a_tenth_earlier(jitter: float, seconds: int) -> None:
    world = World(jitter=jitter)
    world.find("a")
    world.at(seconds - 1).find("a")
    assert len(world.fetches) == 1
    world.at(seconds).find("a")
    assert len(world.fetches) == 2
