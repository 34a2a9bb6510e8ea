"""The scheduler of tests/distribution.py.

Each test runs once, groups and files stay together, and groups come first.
"""

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from xdist.scheduler import loadscope

from tests.distribution import Scheduler

TESTS = [
    *(f"tests/test_small.py::test_{number}" for number in range(2)),
    *(f"tests/test_large.py::test_x[{number}-a@b.example]" for number in range(9)),
    *(f"tests/flow/test_story.py::test_{number}@stack" for number in range(3)),
    "tests/flow/test_logout.py::test_x[https://client.example]@stack",
    "tests/project/test_run.py::test_x@run",
    "tests/test_large.py::TestClass::test_y",
]


class Process:
    """A replacement for a process of xdist. `sent` has the numbers of the tests that the process got, in order."""

    def __init__(self, name):
        self.gateway, self.sent, self.shutting_down = SimpleNamespace(id=name), [], False

    def send_runtest_some(self, numbers):
        self.sent += numbers

    def shutdown(self):
        self.shutting_down = True


@pytest.fixture
def ran(monkeypatch):
    """Return the tests that each of two equally fast processes ran, in order."""
    monkeypatch.setattr(loadscope, "parse_tx_spec_config", lambda config: ["popen"] * 2)
    scheduler = Scheduler(SimpleNamespace(option=SimpleNamespace(loadscopereorder=True)), MagicMock())
    processes = [Process("one"), Process("two")]
    for process in processes:
        scheduler.add_node(process)
        scheduler.add_node_collection(process, TESTS)
    scheduler.schedule()
    for turn in range(len(TESTS)):
        for process in processes:
            if turn < len(process.sent):
                scheduler.mark_test_complete(process, process.sent[turn])
    assert scheduler.tests_finished
    return [[TESTS[number] for number in process.sent] for process in processes]


def test_each_test_runs_once(ran):
    assert sorted(ran[0] + ran[1]) == sorted(TESTS)


@pytest.mark.parametrize("ending", ["@stack", "tests/test_large.py::", "tests/test_small.py::"])
def test_a_group_and_a_file_run_in_one_process(ran, ending):
    assert sum(any(ending in test for test in tests) for tests in ran) == 1


def test_groups_come_before_files(ran):
    for tests in ran:
        grouped = [test.endswith(("@stack", "@run")) for test in tests]
        assert grouped == sorted(grouped, reverse=True)
        assert grouped[0]
