"""Fail a test that starts a process of Python although it has no mark for that.

`make test` leaves out the tests with the mark `processes`, so it starts no server and waits for no command. Git may be
run: it takes milliseconds.
"""

import sys
from typing import Any

import pytest

MARKS = {"processes", "services", "proxies", "outage", "browser", "servers", "node", "packages", "deploy", "clients"}


class ProcessMarks:
    """Examines each program that a test or its fixtures start."""

    def __init__(self) -> None:
        """Start without a test."""
        self.item: pytest.Item | None = None
        sys.addaudithook(self._examine)

    def _examine(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and self.item is not None and arguments[0] == sys.executable:
            marks = {mark.name for mark in self.item.iter_markers()}
            assert marks & MARKS, f"{self.item.nodeid} starts a process: give it a mark of tests/marks.py"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Examine the programs that this test starts, from its first fixture to its last."""
        self.item = item
        try:
            return (yield)
        finally:
            self.item = None
