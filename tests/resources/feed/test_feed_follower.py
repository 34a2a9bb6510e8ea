"""An API follows an issuer's revocation feed: successful polls, failed polls, and a feed that is late."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from resources.errors import Unavailable
from resources.feed.feed_follower import BETWEEN, SLICE, Follower
from resources.feed.feed_source import MAX_ENTRIES, Answer, Policy, Time
from resources.revocations.refusals import Refusals
from resources.revocations.revocation_set import ENTRY
from resources.testing import SigningKey, at, shared_key
from tests.resources.feeds import digest, document, entry, version
from tests.resources.test_verify import CLAIMS, ISSUER, UNTRUSTED, T, trust

RSA = shared_key()
NEVER = T + 10**7


class World:
    """A follower of a feed with a settable clock, and an issuer whose answers the test defines."""

    def __init__(self, *, refuse: bool = False, every: float = 30, limit: int = MAX_ENTRIES) -> None:
        self.now = 0.0
        self.answer: bytes | Exception | None = self.document()
        self.segments: dict[str, bytes] = {}
        self.polls: list[tuple[str, bool]] = []
        self.fetched: list[str] = []
        self.slept: list[float] = []
        policy = Policy(every=every, late_after=120, refuse_when_late=refuse, longest_backoff=60, max_entries=limit)
        self.follower = Follower(
            self,
            trust(),
            policy,
            Time(clock=lambda: self.now, time_of_day=lambda: at(T + self.now), sleep=self.slept.append),
            ring="default",
            configured=Refusals(kids=frozenset({"own"})),
        )

    def poll(self, *, since: str, conditional: bool) -> Answer:
        self.polls.append((since, conditional))
        if isinstance(self.answer, Exception):
            raise self.answer
        return Answer(self.answer)

    def segment(self, digest: str) -> bytes:
        self.fetched.append(digest)
        return self.segments[digest]

    def document(self, *tokens: str, until: int = NEVER, signer: SigningKey = RSA, **changes: Any) -> bytes:
        """Return a document of the feed that revokes the tokens with these values of `jti`.

        The revocations expire at `until` (Unix seconds). `changes` add or replace claims of the document.
        """
        entries = [entry("jti", name, until=until) for name in tokens]
        return document(*entries, signer=signer, issuer=ISSUER, at=int(T + self.now), **changes)

    def answers(self, *tokens: str, **changes: Any) -> None:
        self.answer = self.document(*tokens, **changes)

    def at(self, seconds: float) -> float:
        """Poll at `seconds` on the clock, and return the seconds until the next poll."""
        self.now = seconds
        return self.follower.poll()

    def refused(self, *names: str) -> list[str]:
        """Return the names of those tokens that the follower refuses now."""
        refusals = self.follower.refusals(at(T + self.now))
        return [name for name in names if refusals.reason("kid", CLAIMS | {"jti": name})]

    @property
    def status(self) -> dict[str, Any]:
        return self.follower.status()


class SlowWorld(World):
    """A world in which the issuer answers `seconds` after a poll starts."""

    def __init__(self, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self.seconds = seconds

    def poll(self, *, since: str, conditional: bool) -> Answer:
        answer = super().poll(since=since, conditional=conditional)
        self.now += self.seconds
        return answer


def test_a_revoked_token_is_refused_from_the_next_poll_on() -> None:
    world = World()
    assert world.at(0) == 30
    assert world.refused("one") == []
    world.answers("one", since=version(7), version=version(8))
    assert world.refused("one") == []
    world.at(30)
    assert world.refused("one", "two") == ["one"]
    assert world.polls == [("", False), (version(7), True)]


def test_an_api_s_own_refusals_count_before_and_after_the_first_poll() -> None:
    world = World()
    for _ in range(2):
        assert world.follower.refusals(at(T)).reason("own", CLAIMS) == "kid"
        world.at(0)


def test_a_304_keeps_the_feed_from_being_late_and_changes_nothing() -> None:
    world = World()
    world.answers("one")
    world.at(0)
    world.answer = None
    world.at(100)
    assert (world.refused("one"), world.status["age"], world.status["late"]) == (["one"], 0, False)


def test_the_age_of_the_feed_counts_from_the_start_of_a_slow_poll() -> None:
    world = SlowWorld(5, refuse=True)
    world.at(100)
    assert (world.now, world.status["age"]) == (105, 5)
    world.now = 100 + 120
    assert (world.refused("one"), world.status["late"]) == ([], False)
    world.now = 100 + 120.5
    assert (world.follower.is_ready(), world.status["late"]) == (False, True)


@pytest.mark.parametrize(("seconds", "pause"), [(5, 25), (30, 0), (31, 0)])
def test_a_slow_poll_shortens_the_pause_before_the_next_poll(seconds: float, pause: float) -> None:
    assert SlowWorld(seconds).at(100) == pause


def test_a_document_that_expires_soon_is_requested_unconditionally() -> None:
    world = World()
    for seconds in (0, 539, 540):
        world.at(seconds)
        world.answer = None
    assert world.polls == [("", False), (version(7), True), (version(7), False)]
    assert "304 to an unconditional request" in world.status["last_error"]
    world.answers(since=version(7), version=version(7))
    world.at(541)
    assert world.status["last_error"] == ""


def test_an_entry_that_a_full_state_lacks_stays_until_it_ends() -> None:
    """The follower keeps an entry that a later full state lacks, until the entry expires.

    After an asynchronous failover, the issuer's database can lack entries that the issuer has already published.
    """
    world = World()
    world.answers("one", until=T + 1000)
    world.at(0)
    world.answers("two", version=version(3, "BBBBBBBBBBB"))
    world.at(30)
    assert world.refused("one", "two") == ["one", "two"]
    assert world.status["went_back"] is True
    world.answers(version=version(4, "BBBBBBBBBBB"), since=version(3, "BBBBBBBBBBB"))
    for seconds in range(1000, 1000 + 64 * 30, 30):
        world.answers(version=version(4, "BBBBBBBBBBB"))
        world.at(seconds)
    assert world.refused("one", "two") == ["two"]
    assert (world.status["entries"], world.status["went_back"]) == (1, True)


def test_further_entries_are_polled_at_once() -> None:
    world = World()
    world.answers("one", more=True)
    assert world.at(0) == 0
    world.answers("two", since=version(7), version=version(8))
    assert world.at(0) == 30
    assert world.refused("one", "two") == ["one", "two"]


def many(count: int, first: int = 0) -> bytes:
    return b"".join(sorted(entry("jti", f"t{number}", until=NEVER) for number in range(first, first + count)))


def test_segments_are_fetched_once_and_checked() -> None:
    world = World()
    first, second = many(100), many(50, first=100)
    world.segments = {digest(first): first, digest(second): second}
    world.answers("one", segments=(first, second))
    world.at(0)
    assert world.status["entries"] == 151
    assert world.refused("t0", "t149", "t150", "one") == ["t0", "t149", "one"]
    world.answers(segments=(first, second), version=version(8))
    world.at(30)
    assert world.fetched == [digest(first), digest(second)]


@pytest.mark.parametrize(("entries", "slices"), [(SLICE, 1), (SLICE + 1, 2), (3 * SLICE, 3)])
def test_other_threads_run_between_slices_of_a_long_part(entries: int, slices: int) -> None:
    world = World()
    names = [f"t{number}" for number in range(entries)]
    body = b"".join(sorted(entry("jti", name, until=NEVER) for name in names))
    world.segments = {digest(body): body}
    world.answers(segments=(body,))
    world.at(0)
    assert (world.refused(*names), world.status["entries"]) == (names, entries)
    assert world.slept == [BETWEEN] * (slices - 1)


def test_a_forged_or_missing_segment_fails_the_poll_and_is_fetched_again() -> None:
    world = World()
    first, second = many(100), many(50, first=100)
    world.segments = {digest(first): first, digest(second): second[:-ENTRY] + entry("jti", "good", until=NEVER)}
    world.answers(segments=(first, second))
    assert world.at(0) == 0.25
    assert world.refused("t0", "good") == ["t0"]
    assert (world.status["version"], world.status["failures"]) == ("", 1)
    del world.segments[digest(second)]
    assert world.at(1) == 0.5
    world.segments[digest(second)] = second
    assert world.at(3) == 30
    assert (world.status["entries"], world.status["version"]) == (150, version(7))
    assert world.fetched == [digest(first), digest(second), digest(second), digest(second)]


BAD: dict[str, Callable[[World], Any]] = {
    "refused": lambda _: OSError("refused"),
    "HTML": lambda _: b"<html></html>",
    "another's signature": lambda w: w.document("two", signer=SigningKey(private=UNTRUSTED.private, kid=RSA.kid)),
    "a delta of another version": lambda w: w.document("two", since=version(6)),
    "a replay": lambda w: w.document("two", iat=T - 61),
}


@pytest.mark.parametrize("name", BAD)
def test_a_failed_poll_changes_nothing(name: str) -> None:
    world = World()
    world.answers("one")
    world.at(0)
    world.now = 30
    world.answer = BAD[name](world)
    assert world.at(30) == 0.25
    assert world.refused("one", "two") == ["one"]
    assert (world.status["version"], world.status["age"], world.status["failures"]) == (version(7), 30, 1)
    assert world.status["last_error"]


def test_failed_polls_back_off_and_a_good_one_resets_the_backoff() -> None:
    world = World()
    world.answer = OSError("refused")
    assert [world.at(0) for _ in range(9)] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
    world.answers()
    assert world.at(0) == 30
    world.answer = OSError("refused")
    assert world.at(0) == 0.25


def test_a_late_feed_serves_on_and_logs_one_error(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.answers("one")
    world.at(0)
    world.answer = OSError("refused")
    with caplog.at_level(logging.ERROR):
        for seconds in (60, 120, 121, 122, 200):
            world.at(seconds)
            assert world.refused("one") == ["one"]
            assert world.status["late"] is (seconds > 120)
    assert [record.message for record in caplog.records] == [f"The revocation feed of {ISSUER} is late: refused"]
    world.answers("one")
    world.at(260)
    assert world.status["late"] is False


def test_a_late_feed_refuses_tokens_if_it_is_configured() -> None:
    world = World(refuse=True)
    with pytest.raises(Unavailable):
        world.refused("one")
    assert not world.follower.is_ready()
    world.at(0)
    world.now = 120
    assert (world.refused("one"), world.follower.is_ready()) == ([], True)
    world.now = 120.1  # as a virtual machine that was suspended sees it: nothing was polled
    with pytest.raises(Unavailable):
        world.refused("one")
    assert not world.follower.is_ready()
    world.answers("one")
    world.at(121)
    assert (world.refused("one"), world.follower.is_ready()) == (["one"], True)


def test_a_feed_is_late_after_its_document_expires_although_the_issuer_answers() -> None:
    world = World(refuse=True, every=10)
    world.answers(exp=T + 70)
    world.at(0)
    world.answer = None
    world.at(45)
    world.now = 129
    assert world.refused("one") == []
    world.now = 130
    with pytest.raises(Unavailable):
        world.refused("one")


def test_a_process_that_serves_late_feeds_is_always_ready() -> None:
    world = World()
    assert (world.follower.is_ready(), world.status["late"], world.status["age"]) == (True, True, None)


def test_more_than_half_of_the_permitted_entries_is_an_error_in_the_log_and_more_than_all_are_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(limit=10)
    world.answers(*(f"t{number}" for number in range(5)))
    world.at(0)
    assert (world.status["near_limit"], caplog.text) == (False, "")
    world.answers("t5", since=version(7), version=version(8))
    world.at(30)
    assert (world.status["near_limit"], world.status["entries"]) == (True, 6)
    assert caplog.text.count("has more than half of the entries allowed") == 1
    world.answers(*(f"u{number}" for number in range(5)), since=version(8), version=version(9))
    world.at(60)
    assert (world.status["version"], world.status["entries"]) == (version(8), 6)
    assert "more than 10 entries" in world.status["last_error"]
