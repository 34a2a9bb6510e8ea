"""A worker process that ends is replaced at once, after a pause, or not at all, depending on the ages of the workers.

A worker that hangs at its start is killed. The tests use a fake clock.
"""

import os
from types import SimpleNamespace

import pytest

from project.launch import workers
from project.launch.workers import PAUSE, START_WITHIN, TRIES, YOUNG, Starts, Workers


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def serving(*births: float, alive: bool = True) -> Workers:
    server = Workers("project.wsgi.application", workers=len(births))
    inner = SimpleNamespace(is_alive=lambda: alive)
    server.wrks = [SimpleNamespace(birth=birth, inner=inner) for birth in births]
    return server


def test_a_death_in_old_age_costs_no_pause_however_often(clock):
    server = serving(clock.now - YOUNG, clock.now - YOUNG)
    assert [server._record_death(0) for _ in range(20)] == [0] * 20
    assert not server._is_hopeless


def test_the_second_young_death_in_a_row_costs_a_pause(clock):
    server = serving(clock.now - YOUNG + 0.1, clock.now)
    assert [server._record_death(0), server._record_death(1)] == [0, 0]
    assert server._record_death(0) == PAUSE
    assert not server._is_hopeless


def test_while_one_worker_grows_old_the_other_is_restarted_for_ever_with_a_pause(clock):
    server = serving(clock.now, clock.now - YOUNG)
    assert [server._record_death(0) for _ in range(50)] == [0] + [PAUSE] * 49
    assert not server._is_hopeless


@pytest.mark.parametrize("alive", [True, False])
def test_the_server_gives_up_if_none_grows_old(clock, alive):
    server = serving(clock.now, clock.now, alive=alive)
    hopeless = []
    for number in range(2 * TRIES + 1):
        server._record_death(number % 2)
        hopeless.append(server._is_hopeless)
    assert hopeless == [False] * (2 * TRIES) + [True]


class Starting:
    """A fake worker process. It counts the calls of `kill`."""

    def __init__(self, pid: int, *, alive: bool = True) -> None:
        self.pid, self.kills, self._alive = pid, 0, alive

    def is_alive(self) -> bool:
        return self._alive

    def kill(self) -> None:
        self.kills += 1


def starting(*workers: Starting, birth: float, starts: Starts | None) -> Workers:
    server = Workers("project.wsgi.application", workers=len(workers), starts=starts)
    server.wrks = [SimpleNamespace(birth=birth, inner=inner) for inner in workers]
    return server


def test_only_a_worker_that_has_not_reported_in_time_is_killed(clock):
    own, hung, dead, starts = Starting(os.getpid()), Starting(1), Starting(2, alive=False), Starts()
    server = starting(own, hung, dead, birth=clock.now, starts=starts)
    starts.report()
    clock.now += START_WITHIN
    server._kill_hung_starts()
    assert [worker.kills for worker in (own, hung, dead)] == [0, 0, 0]
    clock.now += 0.1
    server._kill_hung_starts()
    assert [worker.kills for worker in (own, hung, dead)] == [0, 1, 0]


def test_a_worker_that_hung_before_gets_twice_the_time(clock):
    first, second = Starting(1), Starting(2)
    server = starting(first, birth=clock.now - START_WITHIN - 1, starts=Starts())
    server._kill_hung_starts()
    server.wrks = [SimpleNamespace(birth=clock.now, inner=second)]
    clock.now += 2 * START_WITHIN
    server._kill_hung_starts()
    assert (first.kills, second.kills) == (1, 0)
    clock.now += 0.1
    server._kill_hung_starts()
    assert second.kills == 1


def test_a_report_of_a_worker_that_was_replaced_does_not_count_for_a_later_one_with_its_pid(clock):
    starts = Starts()
    starts.report()
    assert starts.serving([1]) == frozenset()
    assert starts.serving([os.getpid()]) == frozenset()


def test_a_worker_that_cannot_report_is_not_killed(clock):
    worker = Starting(1)
    server = starting(worker, birth=clock.now - 2 * START_WITHIN, starts=None)
    server._kill_hung_starts()
    assert worker.kills == 0
