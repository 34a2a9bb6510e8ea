"""At most half of an API's serving threads wait for an issuer, under any WSGI or ASGI server."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from unittest.mock import patch

import pytest
from django.test import Client

from project.front.lanes import WORK_THREADS
from project.launch.worker_start import load
from resources import authentication, thread_limit
from resources.keysets.flight import Flights, Limits
from resources.testing import SigningKey, bearer, jwks, mint, pinned
from resources.thread_limit import MANY, RECENT, ServingThreads, WaitLimit
from tests.resources.api_process import ROOT, Api, api
from tests.resources.loopback import Loopback, document


def admitted(wait_limit: WaitLimit, requests: int, *, first: bool = False) -> int:
    """Let `requests` requests wait for the issuer at the same time, and return how many of them the limit permits.

    If `first` is True, each request waits for another fetch (of an issuer's keys), and is the first to wait for it.
    """
    with ExitStack() as places:
        return sum(places.enter_context(wait_limit.place(first=first)) for _ in range(requests))


@pytest.mark.parametrize(("threads", "waiting"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (8, 4), (16, 8), (32, 16)])
def test_half_of_the_threads_wait_and_no_more(threads: int, waiting: int) -> None:
    assert admitted(WaitLimit(serving=lambda: threads), 40) == waiting


@pytest.mark.parametrize(("threads", "waiting"), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2)])
def test_the_first_request_that_waits_for_a_fetch_gets_a_place_in_an_empty_room(threads: int, waiting: int) -> None:
    """If no other request waits, the first one that needs a fetch may wait, even with a single thread.

    The limit covers all issuers together. Otherwise, fetches from two issuers could block both threads of a process
    that has only two.
    """
    assert admitted(WaitLimit(serving=lambda: threads), 40, first=True) == waiting


def test_a_place_becomes_free_after_success_and_after_an_error() -> None:
    wait_limit = WaitLimit(serving=lambda: 2)

    def fail() -> None:
        with wait_limit.place(first=False) as free:
            assert free
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    for _ in range(3):
        assert admitted(wait_limit, 5) == 1


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def running_threads(threads: int, threads_seen: ServingThreads) -> Iterator[None]:
    """Run `threads` threads while the block runs. Each has noted in `threads_seen` that it serves a request."""
    noted, end = threading.Barrier(threads + 1), threading.Event()

    def serve() -> None:
        threads_seen.note()
        noted.wait(30)
        end.wait(30)

    started = [threading.Thread(target=serve) for _ in range(threads)]
    for thread in started:
        thread.start()
    noted.wait(30)
    try:
        yield
    finally:
        end.set()
        for thread in started:
            thread.join()


def test_threads_are_counted_once_and_for_ten_seconds() -> None:
    clock = Clock()
    seen = ServingThreads(clock=clock)
    assert seen.count() == 0
    with running_threads(5, seen):
        for _ in range(3):
            seen.note()
        assert seen.count() == 6
        clock.now += RECENT - 0.1
        seen.note()
        assert seen.count() == 6
        clock.now += 0.2
        assert seen.count() == 1


def test_the_number_of_threads_that_a_server_sets_counts_also_after_a_fork() -> None:
    seen = ServingThreads(clock=Clock())
    seen.set_count(8)
    assert seen.count() == 8
    seen.reset_after_fork()
    assert seen.count() == 8


def test_our_own_server_sets_its_number_of_threads() -> None:
    seen = ServingThreads(clock=Clock())
    with (
        patch.object(thread_limit, "serving", seen) as serving,
        patch("project.launch.worker_start.watch_connections"),
        patch.dict(os.environ),
    ):
        load("resources.wsgi.application", alive=None)
        assert serving.count() == WORK_THREADS


def test_a_background_thread_waits_without_a_place_and_does_not_count_as_the_first() -> None:
    """A background thread, such as the poll of a feed, may wait for a fetch despite the limit.

    The limit is for threads that serve requests. A request may exceed the limit if it is the first that needs a fetch
    and no other request waits. The wait of a background thread does not use up this exception.
    """
    full, landing = WaitLimit(serving=lambda: 1), threading.Event()
    limits = Limits(deadline=60, waiters=1, patience=30, longest_backoff=1)
    flights = Flights(lambda _: landing.wait(30), lambda *_: None, wait_limit=full, clock=time.monotonic, limits=limits)
    flight = flights.start()
    assert flight is not None

    def background() -> bool:
        thread_limit.mark_background()
        return flights.wait(flight)

    with ThreadPoolExecutor(2) as crowd:
        answers = [crowd.submit(background), crowd.submit(background)]
        while not all(answer.running() or answer.done() for answer in answers):
            time.sleep(0.01)
        landing.set()
        assert [answer.result(30) for answer in answers] == [True, True]
    assert not flight.waited_for


def test_a_thread_that_authenticates_a_request_is_counted(client: Client) -> None:
    with patch.object(authentication, "serving", ServingThreads(clock=Clock())) as seen, pinned():
        client.get("/api/whoami/")
        assert seen.count() == 0
        assert client.get("/api/whoami/", headers=bearer(mint())).status_code == 200
        assert seen.count() == 1


def test_a_fetch_that_waits_for_another_needs_no_place() -> None:
    """A thread that makes one fetch may wait for another fetch, even if the limit is reached.

    For example, the thread that fetches a revocation feed verifies the feed, and can need a fetch of keys for that.
    """
    full = WaitLimit(serving=lambda: 0)
    landed, answers = threading.Event(), []
    options = {"clock": time.monotonic, "limits": Limits(deadline=30, waiters=8, patience=30, longest_backoff=1)}
    keys = Flights(lambda _: landed.wait(30), lambda *_: None, wait_limit=full, **options)
    feed = Flights(
        lambda _: keys.wait(keys.start()), lambda _, brought: answers.append(brought), wait_limit=full, **options
    )
    with full.place(first=True):
        flight = feed.start()
        landed.set()
        assert flight.done.wait(30)
    assert answers == [True]


def test_the_number_of_remembered_threads_is_bounded() -> None:
    clock = Clock()
    seen = ServingThreads(clock=clock)
    seen._seen = {-number: 0.0 for number in range(1, MANY + 1)}
    seen.note()
    assert len(seen._seen) == 1


FORK = """\
import os

from resources.thread_limit import wait_limit, serving

serving.note()
with wait_limit.place(first=True):
    if not os.fork():
        print(serving.count(), wait_limit._taken, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.processes
def test_a_forked_process_starts_with_an_empty_room() -> None:
    finished = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout == "0 0\n"


@dataclass(frozen=True, slots=True)
class Timed:
    """A timed answer: its status, the time at which it came, and its duration in seconds."""

    status: int
    at: float
    took: float


def timed(running: Api, token: str) -> Timed:
    began = time.monotonic()
    status = running.get("/api/whoami/", {"X-Forwarded-Proto": "https", **bearer(token)})[0]
    return Timed(status, time.monotonic(), time.monotonic() - began)


def with_a_silent_issuer(issuer: Loopback, folder: Path, threads: int) -> tuple[list[Timed], list[Timed]]:
    """Send tokens to the API while the issuer does not answer.

    Returns the answers to valid tokens, and the answers to 64 tokens with unknown kids.
    """
    key, silence = SigningKey(), threading.Event()
    issuer.publish(jwks(key))

    def silent(handler: BaseHTTPRequestHandler) -> None:
        silence.wait(30)
        document(jwks(key))(handler)

    def token(key: SigningKey) -> str:
        return mint(key=key, iss=issuer.url, aud="http://localhost:8001/")

    folder.mkdir()
    before = issuer.fetches()
    with api(folder, issuers=issuer.url, threads=threads) as running, ThreadPoolExecutor(64) as crowd:
        assert timed(running, token(key)).status == 200
        issuer.answers["/jwks.json"] = silent
        invented = [token(SigningKey(private=key.private)) for _ in range(64)]
        strangers = [crowd.submit(timed, running, unknown) for unknown in invented]
        while issuer.fetches() < before + 2:
            time.sleep(0.01)
        good = [timed(running, token(key)) for _ in range(5)]
        refused = [stranger.result(60) for stranger in strangers]
        silence.set()
    return good, refused


def first(answers: list[Timed]) -> float:
    return min(answer.at for answer in answers)


def last(answers: list[Timed]) -> float:
    return max(answer.at for answer in answers)


@pytest.mark.processes
@pytest.mark.parametrize("threads", [4, 8, 16, 32])
def test_a_request_with_a_known_kid_never_waits_behind_unknown_ones(
    issuer: Loopback, tmp_path: Path, threads: int
) -> None:
    """A token with a known kid is accepted at once, although more requests than threads have unknown kids."""
    for attempt in range(6):  # a machine under load can stall one attempt, and stalls look like waiting
        good, refused = with_a_silent_issuer(issuer, tmp_path / str(attempt), threads)
        assert {answer.status for answer in good} == {200}
        assert {answer.status for answer in refused} == {503}
        waited = [answer for answer in refused if answer.took > 1.5]  # patience is 2 s
        if waited and len(waited) <= threads // 2 and last(good) < first(waited):
            return
    assert 1 <= len(waited) <= threads // 2
    assert last(good) < first(waited)
