"""kill -9 at any moment of rotate_keys leaves a valid ring, from which the next run goes on."""

import json
import random
import subprocess
import sys

import pytest

from tests.services.conftest import ROOT, Issuer

pytestmark = pytest.mark.services

RINGS = 25
KILLS = 50
MINUTE = 60.0  # seconds; longer than any run
STATE = """
    SELECT count(*), count(*) FILTER (WHERE signs_at IS NULL),
           (SELECT count(*) FROM tokens_auditevent WHERE subject = ANY(array_agg('key:' || kid)))
    FROM tokens_signingkey JOIN tokens_ring AS ring ON ring_id = ring.id WHERE ring.name = '{}' HAVING count(*) > 0
"""
NOTHING: list[tuple] = []
CREATED, PLANNED = [(2, 1, 1)], [(3, 1, 2)]
NEXT = {0: CREATED, 2: PLANNED, 3: PLANNED}


def test_fifty_kills_at_any_moment_leave_every_ring_valid_and_able_to_go_on(issuer: Issuer) -> None:
    """The keys and the audit event of a step are there together, or neither is; the next run takes the step due."""
    with steps(issuer) as runner:
        whole = order(runner, rotate("measured"), after=MINUTE)["seconds"]
        landed = [landing for number in range(4 * KILLS) if (landing := strike(issuer, runner, number, whole=whole))]
        assert len(landed) >= KILLS
        for number in range(RINGS):
            finish(issuer, runner, f"ring{number}")


def strike(issuer: Issuer, runner: "subprocess.Popen[str]", number: int, *, whole: float) -> bool:
    """Run a step of one ring and kill it: at a moment by chance, or in front of a statement by chance."""
    ring = f"ring{number % RINGS}"
    before = state(issuer, ring)
    after, statement = (random.uniform(0, whole), None) if number % 2 else (MINUTE, random.randint(1, 20))
    killed = order(runner, rotate(ring), after=after, statement=statement)["killed"]
    assert state(issuer, ring) in (before, NEXT[before[0][0] if before else 0]), (ring, after, statement)
    return killed


def finish(issuer: Issuer, runner: "subprocess.Popen[str]", ring: str) -> None:
    """Two more runs at the most, and the ring is where it would be without any kill."""
    for _ in range(2):
        if state(issuer, ring) != PLANNED:
            assert not order(runner, rotate(ring), after=MINUTE)["killed"]
    assert state(issuer, ring) == PLANNED


def state(issuer: Issuer, ring: str) -> list[tuple]:
    """Of a ring: its keys, its standbys, the audit events about its keys."""
    return issuer.rows(STATE.format(ring))


def rotate(ring: str) -> list[str]:
    return ["rotate_keys", "--now", "--ring", ring]


def steps(issuer: Issuer) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.services.steps"],
        cwd=ROOT,
        env=issuer.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def order(
    runner: "subprocess.Popen[str]", arguments: list[str], *, after: float, statement: int | None = None
) -> dict[str, float]:
    assert runner.stdin
    assert runner.stdout
    line = json.dumps({"arguments": arguments, "after": after, "statement": statement})
    print(line, file=runner.stdin, flush=True)
    return json.loads(runner.stdout.readline())
