"""Worker threads that run a function for a bounded time."""

import threading
from contextvars import ContextVar
from datetime import timedelta

import pytest

from tokens.claims import worker
from tokens.claims.worker import AllBusy

SHORT, LONG = timedelta(milliseconds=20), timedelta(seconds=30)
variable: ContextVar[str] = ContextVar("variable", default="")


@pytest.fixture(autouse=True)
def freed(monkeypatch):
    """Let each test begin without any worker threads.

    Return an event that is set when a worker thread becomes free.
    """
    event = threading.Event()

    class Announcing(list):
        def append(self, jobs):
            super().append(jobs)
            event.set()

    monkeypatch.setattr(worker, "_free", Announcing())
    monkeypatch.setattr(worker, "_started", 0)
    return event


@pytest.fixture
def hanging():
    """Return a function that hangs until the test ends."""
    release, finished = threading.Event(), threading.Semaphore(0)
    calls = []

    def hang():
        calls.append(1)
        release.wait()
        finished.release()

    yield hang
    release.set()
    for _ in calls:
        assert finished.acquire(timeout=60)


def test_a_function_returns_its_value_in_the_context_of_its_caller():
    variable.set("the caller's")
    seen = worker.run(lambda: (variable.get(), threading.current_thread().daemon), within=LONG)
    assert seen == ("the caller's", True)


@pytest.mark.parametrize("error", [KeyError("x"), TimeoutError("its own")])
def test_an_error_reaches_the_caller(error):
    def fail():
        raise error

    with pytest.raises(type(error)):
        worker.run(fail, within=LONG)


def test_a_function_that_ends_its_thread_does_not_end_the_caller_s():
    def leave():
        raise SystemExit

    with pytest.raises(RuntimeError, match="SystemExit"):
        worker.run(leave, within=LONG)


def test_a_thread_closes_connections_that_are_too_old_before_and_after_each_function(monkeypatch):
    seen = []
    monkeypatch.setattr(worker, "close_old_connections", lambda: seen.append("closed"))
    worker.run(lambda: seen.append("called"), within=LONG)
    assert seen == ["closed", "called", "closed"]


def test_a_thread_is_used_again():
    assert worker.run(threading.get_ident, within=LONG) == worker.run(threading.get_ident, within=LONG)


def test_a_function_that_hangs_is_abandoned_and_no_more_threads_than_the_limit_exist(hanging):
    for _ in range(worker.LIMIT):
        with pytest.raises(TimeoutError):
            worker.run(hanging, within=SHORT)
    with pytest.raises(AllBusy):
        worker.run(hanging, within=LONG)


def test_the_thread_of_an_abandoned_function_is_free_again_once_it_returns(hanging, freed):
    released = threading.Event()
    slow = released.wait
    with pytest.raises(TimeoutError):
        worker.run(slow, within=SHORT)
    for _ in range(worker.LIMIT - 1):
        with pytest.raises(TimeoutError):
            worker.run(hanging, within=SHORT)
    freed.clear()
    released.set()
    assert freed.wait(30)
    assert worker.run(lambda: "again", within=LONG) == "again"
