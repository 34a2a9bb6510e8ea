"""Faults of an issuer, over real sockets: the answer of the API, and the number of its fetches.

The clock stands still unless the test advances it, and no test measures time. A test can hold back the issuer's answer
to a fetch. If the API answers a request before the test releases that answer, the request did not wait for the issuer.
"""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.test import Client, override_settings

from resources import thread_limit
from resources.issuers import trusts
from resources.testing import SigningKey, bearer, jwks, mint, shared_key
from tests.resources.loopback import Answer, Loopback, document, raw, status

AUDIENCE = "http://localhost:8001/"
GOOD, NEW = shared_key(), SigningKey()


class World:
    """An API in this process that trusts the loopback issuer, with the production timings and a settable clock."""

    def __init__(self, issuer: Loopback) -> None:
        self.issuer = issuer
        self.wound = 0.0

    def clock(self) -> float:
        return 1000 + self.wound

    def request_status(self, key: SigningKey = GOOD) -> int:
        """Return the API's status for a token that `key` signed.

        Fails unless the status is 200, 401, or 503 with Retry-After.
        """
        token = mint(key=key, iss=self.issuer.url, aud=AUDIENCE)
        answer = Client().get("/api/whoami/", headers=bearer(token))
        assert answer.status_code in {200, 401, 503}
        assert (answer.status_code == 503) == ("Retry-After" in answer)
        assert 1 <= int(answer.headers.get("Retry-After", "1")) <= 60
        return int(answer.status_code)

    def land(self) -> None:
        """Wait until no fetch of keys is running."""
        flight = self.keys._flights._flight
        assert flight is None or flight.done.wait(30)

    def refresh(self, seconds: float = 290) -> int:
        """Advance the clock by `seconds`, after which the keys must be refreshed, and send a token with a known kid.

        Waits until the fetch has ended. Returns the status for the token.
        """
        self.wound += seconds
        answer = self.request_status()
        self.land()
        return answer

    @property
    def keys(self) -> Any:
        return trusts.trusts()[self.issuer.url].keys

    @property
    def fetches(self) -> int:
        return int(self.keys.status()["fetches"])

    def together(self, count: int, key: SigningKey) -> list[int]:
        """Send `count` simultaneous requests with tokens that `key` signed, and return their statuses."""
        answers: list[int] = []
        start = threading.Barrier(count)

        def request() -> None:
            start.wait(30)
            answers.append(self.request_status(key))

        threads = [threading.Thread(target=request) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return sorted(answers)


@pytest.fixture
def world(issuer: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(issuer)
    monkeypatch.setattr(trusts, "clock", made.clock)
    monkeypatch.setattr(thread_limit.serving, "_set", 64)  # as many threads as the tests below start at once
    issuer.publish(jwks(GOOD))
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer.url], "AUDIENCE": [AUDIENCE]}):
        yield made


def test_an_issuer_that_is_down_at_the_start_makes_tokens_503(world: World) -> None:
    world.issuer.stop()
    assert [world.request_status() for _ in range(20)] == [503] * 20
    assert world.fetches == 1
    world.wound += 1.1
    assert [world.request_status() for _ in range(20)] == [503] * 20
    assert world.fetches == 2


def test_an_issuer_that_goes_down_later_leaves_known_keys_working(world: World) -> None:
    assert world.request_status() == 200
    world.issuer.stop()
    for _ in range(10):
        assert world.refresh(300) == 200
    assert world.fetches <= 11


def test_keys_are_not_used_longer_than_stale(world: World) -> None:
    assert world.request_status() == 200
    world.issuer.stop()
    assert world.refresh(3890) == 200
    world.wound += 15
    assert world.request_status() == 503


def test_an_issuer_that_recovers_is_used_again(world: World) -> None:
    world.issuer.answers["/jwks.json"] = status(503)
    assert world.request_status() == 503
    world.issuer.publish(jwks(GOOD))
    world.wound += 2
    assert world.request_status() == 200


def delayed(answer: Answer, until: threading.Event) -> Answer:
    """Return a function that answers as `answer` does, but only after the event `until` is set."""

    def late(handler: BaseHTTPRequestHandler) -> None:
        until.wait(60)
        answer(handler)

    return late


def test_a_slow_issuer_delays_no_request_with_a_known_key(world: World) -> None:
    assert world.request_status() == 200
    released = threading.Event()
    world.issuer.answers["/jwks.json"] = delayed(document(jwks(GOOD)), released)
    world.wound += 290
    assert [world.request_status() for _ in range(20)] == [
        200
    ] * 20  # the refresh is under way, and waits for the issuer
    assert world.request_status(NEW) == 503  # after two seconds
    assert [world.request_status() for _ in range(20)] == [200] * 20
    assert (world.fetches, released.is_set()) == (2, False)
    released.set()
    world.land()
    assert world.request_status() == 200


def test_a_slow_issuer_at_the_start_makes_tokens_503(world: World) -> None:
    released = threading.Event()
    world.issuer.answers["/jwks.json"] = delayed(document(jwks(GOOD)), released)
    assert world.together(12, GOOD) == [503] * 12
    assert (world.fetches, released.is_set()) == (1, False)
    released.set()
    world.land()
    assert world.request_status() == 200


def test_a_rotation_costs_one_fetch_for_many_parallel_requests(world: World) -> None:
    assert world.request_status() == 200
    world.issuer.publish(jwks(GOOD, NEW))
    assert world.together(8, NEW) == [200] * 8
    assert (world.fetches, world.issuer.fetches()) == (2, 2)


def test_a_rotation_without_announcement_never_makes_a_good_token_invalid(world: World) -> None:
    assert world.request_status() == 200
    released = threading.Event()
    world.issuer.answers["/jwks.json"] = delayed(document(jwks(GOOD, NEW)), released)
    threading.Timer(0.3, released.set).start()
    answers = world.together(64, NEW)
    assert set(answers) <= {200, 503}
    assert answers.count(200) >= 8
    assert world.fetches == 2
    assert world.together(64, NEW) == [200] * 64
    assert world.fetches == 2


def test_a_removed_key_is_refused_after_the_next_fetch(world: World) -> None:
    world.issuer.publish(jwks(GOOD, NEW))
    assert world.request_status(NEW) == 200
    world.issuer.publish(jwks(GOOD))
    assert world.refresh() == 200
    assert world.request_status(NEW) == 401


def test_a_flood_of_random_kids_is_refused_and_delays_no_good_token(world: World) -> None:
    assert world.request_status() == 200
    private = GOOD.private
    for number in range(300):
        assert world.request_status(SigningKey(private=private, kid=f"random-{number}")) == 401
        assert world.request_status() == 200
        world.wound += 0.2
    assert world.issuer.fetches() - 1 <= 2 + 62 / 10
    assert world.keys.status()["unknown_kids"] <= 128


def test_a_flood_of_random_kids_while_the_issuer_fails_leaves_known_keys_working(world: World) -> None:
    assert world.request_status() == 200
    world.issuer.answers["/jwks.json"] = status(500)
    world.wound += 11
    for number in range(300):
        assert world.request_status(SigningKey(private=GOOD.private, kid=f"random-{number}")) == 503
        assert world.request_status() == 200
        world.wound += 0.2
    assert world.fetches - 1 <= 2 + 62 / 10


def test_a_flood_of_bad_signatures_under_a_known_kid_costs_few_fetches(world: World) -> None:
    assert world.request_status() == 200
    imposter = SigningKey(private=NEW.private, kid=GOOD.kid)
    for _ in range(100):
        assert world.request_status(imposter) == 401
        assert world.request_status() == 200
    world.land()
    assert world.issuer.fetches() <= 3


BOMB = gzip.compress(bytes(50_000_000), 9)
SMALL = {"kty": "oct", "kid": "x"}


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(2000):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.005)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        handler.wfile.write(b" " * 65536)


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: " + b"x" * 60000 + b"\r\n")


FAULTS: dict[str, Callable[[], Answer]] = {
    "10 MB": lambda: raw(b" " * 10_000_000),
    "endless": lambda: endless,
    "endless headers": lambda: endless_headers,
    "a gzip bomb": lambda: raw(BOMB, Content_Encoding="gzip"),
    "a gzip bomb that says nothing": lambda: raw(BOMB),
    "HTML": lambda: raw(b"<html><body>Maintenance</body></html>", Content_Type="text/html"),
    "500": lambda: status(500),
    "404": lambda: status(404),
    "204": lambda: status(204),
    "a redirect": lambda: status(302, Location="/elsewhere.json"),
    "a redirect for good": lambda: status(301, Location="/elsewhere.json"),
    "304 out of nowhere": lambda: status(304),
    "10,000 keys": lambda: document({"keys": [{**GOOD.jwk, "kid": str(n)} for n in range(10_000)]}),
    "101 keys": lambda: document({"keys": [{**GOOD.jwk, "kid": str(n)} for n in range(101)]}),
    "nothing": lambda: raw(b""),
    "null": lambda: raw(b"null"),
    "a list": lambda: document(jwks()["keys"]),
    "keys an object": lambda: document({"keys": {}}),
    "keys twice": lambda: raw(b'{"keys":[],"keys":[]}'),
    "deep nesting": lambda: raw(b'{"keys":' + b"[" * 100_000),
    "UTF-16": lambda: raw(json.dumps(jwks()).encode("utf-16")),
    "half an answer": lambda: raw(json.dumps(jwks()).encode(), Content_Length="5000"),
    "half an answer in chunks": lambda: lambda handler: (
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"key") and None
    ),
    "a chunk of negative size": lambda: lambda handler: (
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}") and None
    ),
    "hangs up": lambda: lambda handler: None,
    "no HTTP": lambda: lambda handler: handler.wfile.write(b"\x15\x03\x01\x00\x02\x02\x16") and None,
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_leaves_good_keys_working(world: World, name: str) -> None:
    assert world.request_status() == 200
    world.issuer.answers["/jwks.json"] = FAULTS[name]()
    world.issuer.answers["/elsewhere.json"] = document(jwks(NEW))
    assert world.refresh() == 200
    assert world.keys.status()["failures"] == 1
    assert world.request_status() == 200
    assert world.request_status(NEW) == 503
    assert world.issuer.fetches("/elsewhere.json") == 0
    world.issuer.publish(jwks(GOOD, NEW))
    world.wound += 61
    assert (world.request_status(), world.request_status(NEW)) == (200, 200)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_the_start_is_no_500(world: World, name: str) -> None:
    world.issuer.answers["/jwks.json"] = FAULTS[name]()
    assert world.request_status() == 503
    world.issuer.publish(jwks(GOOD))
    world.wound += 61
    assert world.request_status() == 200


def test_a_dripping_answer_is_abandoned_at_the_deadline_and_delays_no_known_key(world: World) -> None:
    assert world.request_status() == 200
    world.issuer.answers["/jwks.json"] = drip
    world.wound += 290
    assert world.request_status() == 200
    world.wound += 5.1
    world.land()
    assert world.keys.status()["failures"] == 1
    assert world.request_status() == 200


BESIDE: dict[str, list[Any]] = {
    "a weak key": [{**GOOD.jwk, "kid": "weak", "n": "AQAB"}],
    "a key with private members": [{**NEW.jwk, "d": "AQAB"}],
    "a symmetric key": [{"kty": "oct", "k": "AAAA", "kid": "mac"}],
    "a bad key under the same kid": [{**GOOD.jwk, "n": "AQAB"}],
    "another key under the same kid": [{**NEW.jwk, "kid": GOOD.kid}],
    "three others under the same kid": [{**SigningKey().jwk, "kid": GOOD.kid}, {**NEW.jwk, "kid": GOOD.kid}],
    "no object": [None, 1, "x", [], True],
    "9,000 useless entries": [SMALL] * 9000,
    "a key for encryption": [{**NEW.jwk, "use": "enc"}],
    "a key without kid": [{name: value for name, value in NEW.jwk.items() if name != "kid"}],
}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_bad_key_leaves_the_good_key_usable(world: World, name: str, first: bool) -> None:
    entries = [*BESIDE[name], GOOD.jwk] if first else [GOOD.jwk, *BESIDE[name]]
    world.issuer.publish({"keys": entries})
    assert world.request_status() == 200
    assert world.request_status(NEW) == 401


def test_a_published_secret_is_an_error_in_the_log_without_the_secret(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.issuer.publish({"keys": [GOOD.jwk, {**NEW.jwk, "d": "c2VjcmV0LW51bWJlcg"}]})
    world.request_status()
    assert [record.levelname for record in caplog.records if "treat it as leaked" in record.message] == ["ERROR"]
    assert "c2VjcmV0" not in caplog.text


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://evil.example"}, {"issuer": "{url}/"}, {}, {"issuer": "{url}"}, [],
     {"issuer": "{url}", "jwks_uri": 7}],
    ids=str,
)  # fmt: skip
def test_metadata_of_another_issuer_or_shape_is_no_500(world: World, metadata: Any) -> None:
    text = json.dumps(metadata).replace("{url}", world.issuer.url).encode()
    world.issuer.answers["/.well-known/oauth-authorization-server"] = raw(text)
    assert world.request_status() == 503
    assert world.issuer.fetches() == 0
