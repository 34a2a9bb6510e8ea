"""A short run of the drill (project.drill), which injects faults into an issuer under load.

The faults are those of `make drill DRILL=quick` (a killed issuer, a frozen PostgreSQL, a stopped Redis), and a wrong
KEY_ENCRYPTION_KEYS on one node. The drill must report no violation of its promises.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.drill.periodic_jobs import JOBS
from project.drill.plan import QUICK
from tests.services.conftest import ROOT

pytestmark = [pytest.mark.services, pytest.mark.outage]
BUSY = "15"
"""Seconds for ANSWER_WITHIN: the tests run beside others, and a busy machine is no outage."""
ARGUMENTS = ("--quick", "--json", "--answer-within", BUSY)
FAULTS = [word for name in ("wrong_key", *(fault.__name__ for fault in QUICK)) for word in ("--fault", name)]


@pytest.fixture
def kept() -> Iterator[Path]:
    """Yield a folder that the system user of PostgreSQL can read. That user cannot read the folders of pytest."""
    with tempfile.TemporaryDirectory(prefix="keyturn-drill-") as name:
        yield Path(name)


def test_every_promise_holds_while_an_issuer_is_killed_or_has_a_wrong_key_and_postgresql_and_redis_fail(
    kept: Path,
) -> None:
    command = [sys.executable, "-m", "project.drill", *ARGUMENTS, *FAULTS, "--keep", str(kept)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    result = json.loads(done.stdout)
    faults = {line["fault"]: line for line in result["faults"]}
    assert list(faults) == [
        "kill -9 of an issuer",
        "wrong KEY_ENCRYPTION_KEYS on one node",
        "PostgreSQL frozen",
        "Redis stopped",
        "(no fault)",
    ]
    assert faults["PostgreSQL frozen"]["failures"]["token:503"] > 0
    assert faults["Redis stopped"]["failures"]["page:503"] > 0
    assert result["violations"] == []
    assert result["tokens"] > 20
    ledger = json.loads((kept / "ledger.json").read_text(encoding="utf-8"))
    assert len(ledger["tokens"]) == result["tokens"]
    assert {job["name"] for job in ledger["jobs"] if not job["error"]} == set(JOBS)
    assert (kept / "issuer-one.log").exists()
