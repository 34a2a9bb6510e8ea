"""After kill -9 at any moment of rotate_keys, the key ring is valid. The next run continues from its state."""

import json
import random
import subprocess
import sys
import time
from itertools import islice

import pytest

from tests.services.conftest import ROOT, Issuer

pytestmark = pytest.mark.services

RINGS = 25
KILLS = 50
LONG = 300.0  # seconds; longer than any run on a busy machine
STATE = """
    SELECT count(*), count(*) FILTER (WHERE signs_at IS NULL),
           (SELECT count(*) FROM tokens_auditevent WHERE subject = ANY(array_agg('key:' || kid)))
    FROM tokens_signingkey JOIN tokens_ring AS ring ON ring_id = ring.id WHERE ring.name = '{}' HAVING count(*) > 0
"""
CREATED, PLANNED, DESTROYED = [(2, 1, 1)], [(3, 1, 2)], [(3, 1, 3)]
NEXT = {0: CREATED, 2: PLANNED, 3: DESTROYED}
TIMINGS = {
    "snapshot_age": 0.2,
    "reread": 0.1,
    "shared_cache": 1,
    "api_copy": 0.1,
    "clock_error": 1,
    "announce": 4,
    "rotate_every": 86400,
    "keep": 3,
}
"""A new ring's first key signs within seconds, so that its switch can be planned."""


def test_fifty_kills_at_any_moment_leave_every_ring_valid_and_able_to_go_on(issuer: Issuer) -> None:
    """If rotate_keys is killed, its step is committed completely or not at all.

    A step consists of changes of the keys and an audit event. After the kills, the next run continues.
    """
    issuer.variables["KEY_TIMINGS"] = ",".join(f"{name}={seconds}" for name, seconds in TIMINGS.items())
    issuer.run("rotate_keys")
    with steps(issuer) as runner:
        whole = order(runner, rotate("measured", []), after=LONG)["seconds"]
        strikes = (strike(issuer, runner, number, whole=whole) for number in range(8 * KILLS))
        landed = list(islice(filter(None, strikes), KILLS))
        assert len(landed) == KILLS
        for number in range(RINGS):
            finish(issuer, runner, f"ring{number}")


def strike(issuer: Issuer, runner: "subprocess.Popen[str]", number: int, *, whole: float) -> bool:
    """Run rotate_keys for a ring, and kill the command at a random time or before a random SQL statement.

    Returns True if the command was killed, and False if it ended first. Asserts that the ring is either in the state
    before the command or in the state after it.

    `number` chooses the ring. If `number` is odd, the command is killed at a random time, otherwise before a random
    statement. `whole` is the duration of a command that is not killed, in seconds.
    """
    ring = f"ring{number % RINGS}"
    before = state(issuer, ring)
    after, statement = (random.uniform(0, whole), None) if number % 2 else (LONG, random.randint(1, 20))
    killed = order(runner, rotate(ring, before), after=after, statement=statement)["killed"]
    assert state(issuer, ring) in (before, NEXT[before[0][0] if before else 0]), (ring, after, statement)
    return killed


def finish(issuer: Issuer, runner: "subprocess.Popen[str]", ring: str) -> None:
    """Run rotate_keys until the key ring `ring` has a planned switch, or has destroyed a private key.

    `runner` is the process that runs the commands (tests/services/steps.py).
    """
    deadline = time.monotonic() + LONG
    while (rows := state(issuer, ring)) not in (PLANNED, DESTROYED):
        assert time.monotonic() < deadline, rows
        assert not order(runner, rotate(ring, rows), after=LONG)["killed"]
    assert state(issuer, ring) in (PLANNED, DESTROYED)


def state(issuer: Issuer, ring: str) -> list[tuple]:
    """Count the ring's keys, its standby keys, and the audit events about its keys.

    Returns a list with one row of these three numbers, or [] if the ring does not exist.
    """
    return issuer.rows(STATE.format(ring))


def rotate(ring: str, rows: list[tuple]) -> list[str]:
    """Return the command for the next step of the key ring, whose state is `rows`.

    The step creates the ring, plans its first switch, or destroys a private key.
    """
    return ["rotate_keys", "--ring", ring, "--algorithm", "ES256", *(["--now"] if rows == CREATED else [])]


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
