"""When a dead worker is replaced at once, after a pause, or no more; by a clock of the test's own."""

from types import SimpleNamespace

import pytest

from project.launch import workers
from project.launch.workers import PAUSE, TRIES, YOUNG, Workers


class Clock:
    def __init__(self, monkeypatch):
        self.now, self.pauses = 1000.0, []
        monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self.pauses.append))


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def server(*births: float, alive: bool = True) -> Workers:
    one = Workers("project.wsgi.application", workers=len(births))
    inner = SimpleNamespace(is_alive=lambda: alive)
    one.wrks = [SimpleNamespace(birth=birth, inner=inner) for birth in births]
    return one


def test_a_death_in_old_age_costs_no_pause_however_often(clock):
    one = server(clock.now - YOUNG, clock.now - YOUNG)
    assert [one._may_replace(0) for _ in range(20)] == [True] * 20
    assert clock.pauses == []


def test_the_second_young_death_in_a_row_costs_a_pause(clock):
    one = server(clock.now - YOUNG + 0.1, clock.now)
    assert [one._may_replace(0), one._may_replace(1)] == [True, True]
    assert clock.pauses == []
    assert one._may_replace(0)
    assert clock.pauses == [PAUSE]


def test_while_one_grows_old_the_other_is_tried_for_ever_and_not_in_a_hurry(clock):
    one = server(clock.now, clock.now - YOUNG)
    assert [one._may_replace(0) for _ in range(50)] == [True] * 50
    assert clock.pauses == [PAUSE] * 49


@pytest.mark.parametrize("alive", [True, False])
def test_the_server_gives_up_if_none_grows_old(clock, alive):
    one = server(clock.now, clock.now, alive=alive)
    tries = [one._may_replace(number % 2) for number in range(2 * TRIES + 1)]
    assert tries == [True] * (2 * TRIES) + [False]
