"""A short drill (`make drill DRILL=quick`): three faults under load, and every promise holds."""

import json
import subprocess
import sys

import pytest

from tests.services.conftest import ROOT

pytestmark = [pytest.mark.services, pytest.mark.outage]
BUSY = "15"
"""Seconds for ANSWER_WITHIN: the tests run beside others, and a busy machine is no outage."""


def test_every_promise_holds_while_an_issuer_is_killed_and_postgresql_and_redis_fail() -> None:
    command = [sys.executable, "-m", "project.drill", "--quick", "--json", "--answer-within", BUSY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    result = json.loads(done.stdout)
    faults = {line["fault"]: line for line in result["faults"]}
    assert list(faults) == ["kill -9 of an issuer", "PostgreSQL frozen", "Redis stopped", "(no fault)"]
    assert faults["PostgreSQL frozen"]["failures"]["token:503"] > 0
    assert faults["Redis stopped"]["failures"]["page:503"] > 0
    assert result["violations"] == []
    assert result["tokens"] > 20
