"""The revocation feed: believed only with the issuer's signature, polled, late, and what then."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from resources.denials import NOTHING, Denials

from resources.errors import Unavailable
from resources.keyset import PinnedKeys
from resources.revocations import BadFeed, Feed, FetchedFeed, Follower, read_feed
from resources.testing import SigningKey, at, compact, shared_key
from tests.resources.test_verify import ISSUER, NOW, OTHER, STRANGER, T, keys, token, trust

RSA = shared_key()
SECOND = SigningKey(private=STRANGER.private)
DENIED: dict[str, Any] = {
    "jti": {"one": T + 600},
    "grant": {"g": T + 600},
    "sub": {"alice": [T, T + 600]},
    "client": {"webapp": [T - 5, T + 600]},
    "kid": ["stolen"],
}


def feed(key: SigningKey = RSA, *, head: dict[str, Any] | None = None, denied: Any = None, **changes: Any) -> bytes:
    header = {"typ": "revocations+jwt", "alg": "RS256", "kid": key.kid, **(head or {})}
    whole = {"iss": ISSUER, "iat": T, "exp": T + 300, "denied": DENIED if denied is None else denied, **changes}
    claims = {name: value for name, value in whole.items() if value is not None}
    return compact(header, claims, key=key).encode()


def test_a_feed_says_what_is_denied() -> None:
    read = read_feed(feed(), trust(), now=NOW)
    assert read == Feed(
        T,
        T + 300,
        Denials(
            kids=frozenset({"stolen"}),
            tokens=frozenset({"one"}),
            grants=frozenset({"g"}),
            subjects={"alice": T},
            clients={"webapp": T - 5},
        ),
    )


def test_an_empty_feed_denies_nothing() -> None:
    assert read_feed(feed(denied={}), trust(), now=NOW).denials == NOTHING


def test_a_feed_of_a_later_version_is_read_as_far_as_it_is_known(caplog: pytest.LogCaptureFixture) -> None:
    assert read_feed(feed(denied={"kid": ["a"], "planet": {}}), trust(), now=NOW).denials.kids == {"a"}
    assert "lists that this version does not know" in caplog.text


BAD: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "HTML": lambda: b"<html></html>",
    "not ASCII": lambda: b"\xff",
    "plain JSON": lambda: b'{"denied":{}}',
    "an access token": lambda: token().encode(),
    "another type": lambda: feed(head={"typ": "JWT"}),
    "alg none": lambda: feed(head={"alg": "none"}),
    "an unknown kid": lambda: feed(STRANGER),
    "another's signature": lambda: feed(SigningKey(private=STRANGER.private, kid=RSA.kid)),
    "another issuer": lambda: feed(iss=OTHER),
    "no iat": lambda: feed(iat=None),
    "iat 121 s ahead": lambda: feed(iat=T + 121),
    "no exp": lambda: feed(exp=None),
    "exp a string": lambda: feed(exp=str(T + 300)),
    "over": lambda: feed(exp=T - 30),
    "no list of denials": lambda: compact(
        {"typ": "revocations+jwt", "alg": "RS256", "kid": RSA.kid}, {"iss": ISSUER, "iat": T, "exp": T + 9}
    ).encode(),
    "denied a list": lambda: feed(denied=[]),
    "jti a list": lambda: feed(denied={"jti": ["one"]}),
    "jti without an instant": lambda: feed(denied={"jti": {"one": "soon"}}),
    "grant null": lambda: feed(denied={"grant": None}),
    "sub without a pair": lambda: feed(denied={"sub": {"alice": T}}),
    "sub with three": lambda: feed(denied={"sub": {"alice": [T, T, T]}}),
    "client with strings": lambda: feed(denied={"client": {"webapp": ["0", "1"]}}),
    "kid a string": lambda: feed(denied={"kid": "stolen"}),
    "kid with a number": lambda: feed(denied={"kid": [1]}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_feed_is_not_believed(name: str) -> None:
    with pytest.raises(BadFeed):
        read_feed(BAD[name](), trust(), now=NOW)


def test_an_older_feed_than_the_one_before_is_a_replay() -> None:
    before = read_feed(feed(), trust(), now=NOW)
    assert read_feed(feed(), trust(), now=NOW, previous=before)
    with pytest.raises(BadFeed, match="older"):
        read_feed(feed(iat=T - 1), trust(), now=NOW, previous=before)


def test_a_denied_key_cannot_sign_itself_free() -> None:
    issuer = trust(keys=keys(RSA, SECOND))
    before = read_feed(feed(SECOND, denied={"kid": [RSA.kid]}), issuer, now=NOW)
    with pytest.raises(BadFeed, match="denied key"):
        read_feed(feed(denied={}), issuer, now=NOW, previous=before)


class World:
    """A follower with a wound clock and a scripted issuer."""

    def __init__(self, *, refuse: bool = False, at_once: bool = True) -> None:
        self.now = 0.0
        self.answer: bytes | Exception | None = feed()
        self.etags: list[str] = []
        self.pending: list[Callable[[], None]] = []
        self.at_once = at_once
        self.follower = Follower(
            self.fetch,
            trust(),
            clock=lambda: self.now,
            every=30,
            late_after=120,
            refuse_when_late=refuse,
            deadline=5,
            waiters=8,
            patience=0.001,
            longest_backoff=60,
            always=Denials(kids=frozenset({"always"})),
            spawn=self.spawn,
        )

    def spawn(self, work: Callable[[], None]) -> None:
        if self.at_once:
            work()
        else:
            self.pending.append(work)

    def fetch(self, *, etag: str) -> FetchedFeed:
        self.etags.append(etag)
        if isinstance(self.answer, Exception):
            raise self.answer
        return FetchedFeed(self.answer, f"e{len(self.etags)}")

    def kids(self, seconds: float) -> Sequence[str]:
        self.now = seconds
        return sorted(self.follower.denials(at(T + seconds)).kids)


def test_what_is_denied_at_the_issuer_is_denied_here_within_the_polling_time() -> None:
    world = World()
    assert world.kids(0) == ["always", "stolen"]
    world.answer = feed(iat=T + 1, denied={"kid": ["stolen", "later"]})
    assert world.kids(23.9) == ["always", "stolen"]
    assert world.kids(24) == ["always", "later", "stolen"]


def test_a_process_that_slept_asks_before_it_answers() -> None:
    world = World()
    world.kids(0)
    world.answer = feed(iat=T + 1, exp=T + 9999, denied={"kid": ["later"]})
    assert world.kids(3600) == ["always", "later"]


def test_polls_are_conditional_until_the_feed_is_about_to_end() -> None:
    world = World()
    for seconds in (0, 30, 60):
        world.kids(seconds)
        world.answer = None
    assert world.etags == ["", "e1", "e2"]
    world.answer = feed(iat=T + 250, exp=T + 600)
    world.kids(250)
    assert world.etags[-1] == ""


def test_a_late_feed_serves_on_and_raises_the_alarm_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.kids(0)
    world.answer = OSError("refused")
    with caplog.at_level(logging.ERROR):
        assert [world.kids(seconds) for seconds in (60, 119, 121, 122, 200)] == [["always", "stolen"]] * 5
    assert [record.message for record in caplog.records] == [f"the revocation feed of {ISSUER} is late: refused"]
    assert world.follower.status()["late"] is True
    world.answer = feed(iat=T + 260, exp=T + 900)
    world.kids(260)
    assert world.follower.status()["late"] is False


def test_a_late_feed_refuses_where_the_setting_says_so() -> None:
    world = World(refuse=True)
    world.kids(0)
    world.answer = OSError("refused")
    assert world.kids(119) == ["always", "stolen"]
    with pytest.raises(Unavailable):
        world.kids(121)
    world.answer = feed(iat=T + 200, exp=T + 900)
    assert world.kids(200) == ["always", "stolen"]


def test_a_feed_past_its_own_end_is_late_however_often_it_is_not_modified() -> None:
    world = World(refuse=True)
    world.kids(0)
    world.answer = feed(exp=T + 300)
    with pytest.raises(Unavailable):
        world.kids(330)


def test_a_process_without_a_feed_serves_or_refuses_by_the_setting() -> None:
    for refuse in (False, True):
        world = World(refuse=refuse)
        world.answer = OSError("refused")
        if refuse:
            with pytest.raises(Unavailable):
                world.kids(0)
        else:
            assert world.kids(0) == ["always"]


def test_a_feed_that_does_not_verify_changes_nothing() -> None:
    world = World()
    world.kids(0)
    for name in ("another's signature", "an access token", "HTML"):
        world.answer = BAD[name]()
        assert world.kids(60 + len(name)) == ["always", "stolen"]
    assert "does not verify" in world.follower.status()["last_error"]


def test_a_slow_poll_is_waited_for_once_and_not_by_everybody() -> None:
    world = World(at_once=False)
    assert world.kids(0) == ["always"]
    assert world.kids(1) == ["always"]  # the same poll is under way, and its time for waiting is over
    assert len(world.pending) == 1
    world.pending.pop()()
    assert world.kids(2) == ["always", "stolen"]


def test_failed_polls_back_off() -> None:
    world = World()
    world.answer = OSError("refused")
    for tenth in range(600):
        world.kids(tenth / 10)
    assert len(world.etags) == 6  # at 0, 1, 3, 7, 15 and 31 seconds


def test_a_feed_is_checked_with_pinned_keys_as_well() -> None:
    assert isinstance(trust().keys, PinnedKeys)
