"""A test that starts a process of Python fails, unless it has a mark for that."""

import subprocess
import sys

import pytest

STARTED = [sys.executable, "-c", ""]


@pytest.mark.processes
def test_a_test_with_the_mark_starts_a_process() -> None:
    assert subprocess.run(STARTED, check=False).returncode == 0


def test_a_test_without_the_mark_starts_none() -> None:
    with pytest.raises(AssertionError, match=r"without_the_mark_starts_none starts a process: give it a mark"):
        subprocess.run(STARTED, check=False)


def test_git_needs_no_mark() -> None:
    assert subprocess.run(["git", "--version"], capture_output=True, check=False).returncode == 0
