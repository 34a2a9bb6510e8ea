"""Tests of one lane of the front (project.front): threads and a bounded queue for one kind of request.

The tests check how many jobs run at the same time, and which thread runs the next job.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from project.front import lanes
from project.front.lanes import Full, Lane


class Work:
    """Jobs that run until a test releases them, and a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.running: list[str] = []
        self.threads: list[str] = []
        self._changed = threading.Condition()
        self._released: set[str] = set()

    def job(self, name: str) -> Callable[[], None]:
        def run() -> None:
            with self._changed:
                self.running.append(name)
                self.threads.append(threading.current_thread().name)
                self._changed.notify_all()
                assert self._changed.wait_for(lambda: name in self._released, timeout=60)
                self.running.remove(name)
                self._changed.notify_all()

        return run

    def release(self, *names: str) -> None:
        with self._changed:
            self._released.update(names)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: not {*names} & {*self.running}, timeout=60)

    def wait_for(self, *names: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: sorted(self.running) == [*names], timeout=60), self.running


@pytest.fixture
def work():
    return Work()


def new_lane(work: Work, threads: int, at_once: int, waiting: int = 8) -> Lane:
    return Lane("test", threads, at_once, waiting=waiting, clock=lambda: work.now)


def in_loop(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


async def looked_again() -> None:
    """Wait until the lane has checked again which jobs are slow. A lane starts more jobs while some are slow."""
    await asyncio.sleep(3 * lanes.SLOW)


def test_no_more_than_at_once_run_while_none_is_slow(work):
    async def story():
        lane = new_lane(work, threads=4, at_once=2)
        for name in "abcd":
            lane.put(work.job(name))
        await looked_again()
        work.wait_for("a", "b")
        work.release("a")
        work.wait_for("b", "c")
        work.release("b", "c", "d")

    in_loop(story)


def test_a_slow_job_makes_room_for_another_without_a_further_request(work):
    async def story():
        lane = new_lane(work, threads=4, at_once=2)
        for name in "abcdef":
            lane.put(work.job(name))
        work.wait_for("a", "b")
        work.now = 2 * lanes.SLOW
        await looked_again()
        work.wait_for("a", "b", "c", "d")  # c and d are not slow yet
        work.now = 4 * lanes.SLOW
        await looked_again()
        work.wait_for("a", "b", "c", "d")  # there is no further thread
        work.release(*"abcdef")

    in_loop(story)


def test_after_slow_jobs_no_more_than_at_once_run_again(work):
    async def story():
        lane = new_lane(work, threads=4, at_once=1)
        for name in "abcd":
            lane.put(work.job(name))
        work.now = 2 * lanes.SLOW
        await looked_again()
        work.wait_for("a", "b")
        work.release("a")
        await looked_again()
        work.wait_for("b")
        work.release("b")
        work.wait_for("c")
        work.release("c", "d")

    in_loop(story)


def test_jobs_one_after_the_other_are_run_by_one_thread(work):
    async def story():
        lane = new_lane(work, threads=4, at_once=2)
        for name in "abcd":
            lane.put(work.job(name))
            work.wait_for(name)
            work.release(name)
            while lane._begun:  # the thread becomes idle after the job
                await asyncio.sleep(0)

    in_loop(story)
    assert {*work.threads} == {"test-1"}


def test_beyond_the_threads_and_the_waiting_ones_a_job_is_refused(work):
    async def story():
        lane = new_lane(work, threads=2, at_once=1, waiting=3)
        for name in "abcde":
            lane.put(work.job(name))
        with pytest.raises(Full):
            lane.put(work.job("f"))
        work.release(*"abcde")

    in_loop(story)


def test_the_first_threads_are_prepared_and_then_get_the_first_jobs(work):
    prepared: list[str] = []

    async def story():
        lane = new_lane(work, threads=4, at_once=2)
        lane.prepare(lambda: prepared.append(threading.current_thread().name), within=60)
        assert sorted(prepared) == ["test-1", "test-2"]
        lane.put(work.job("a"))
        lane.put(work.job("b"))
        work.wait_for("a", "b")
        work.release("a", "b")

    in_loop(story)
    assert sorted(work.threads) == sorted(prepared)


def test_a_step_that_hangs_delays_the_start_for_a_bounded_time(work):
    async def story():
        lane = new_lane(work, threads=3, at_once=1)
        lane.prepare(work.job("step"), within=0.05)
        work.wait_for("step")
        lane.put(work.job("a"))  # waits for the only thread that may run, until the step is slow
        work.now = 2 * lanes.SLOW
        await looked_again()
        work.wait_for("a", "step")
        work.release("a", "step")

    in_loop(story)


def test_the_first_threads_have_one_deadline_for_their_preparation(work):
    calls, prepared, ended = iter(range(2)), threading.Event(), threading.Event()
    is_bounded: list[bool] = []

    def step():
        if next(calls):
            work.now = 61.0
        else:
            is_bounded.append(prepared.wait(timeout=5))
            ended.set()

    async def story():
        new_lane(work, threads=2, at_once=2).prepare(step, within=60)
        prepared.set()
        assert ended.wait(timeout=60)

    in_loop(story)
    assert is_bounded == [True]


def test_a_step_that_fails_is_logged_and_leaves_the_thread_usable(work, caplog):
    def step():
        raise ValueError("the database\n is away")

    async def story():
        lane = new_lane(work, threads=1, at_once=1)
        lane.prepare(step, within=60)
        lane.put(work.job("a"))
        work.wait_for("a")
        work.release("a")

    in_loop(story)
    assert [message for name, _, message in caplog.record_tuples if name == "project.front.lanes"] == [
        "The first requests of test-1 will be slow: the database is away"
    ]
