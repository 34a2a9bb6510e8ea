"""A process that is forked renews the state that its parent's threads could hold.

Servers fork their workers. The threads of the parent do not run in the child, so a lock that one of them held at the
fork is never released there.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.forked_state import IN_USE
from tests.source_trees import PACKAGES, ROOT

HOOK = "register_at_fork("


@pytest.mark.processes
def test_a_forked_process_starts_with_fresh_state() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "tests.forked_state"]
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr
    is_fresh = json.loads(finished.stdout)
    assert [module for module in IN_USE if not is_fresh[module]] == []


def test_each_module_that_registers_a_function_for_forks_is_tried() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    hooks = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sources
        for _ in range(path.read_text(encoding="utf-8").count(HOOK))
    ]
    assert sorted(hooks) == sorted(IN_USE), "Add each module to IN_USE of tests/forked_state.py, once for each function"
