"""`make life`: the whole life of a signing key, watched within two minutes, while the web application goes on working.

Development timings, everything apart as in the field. A line is printed whenever something changes: the phases of the
keys, the key that signed the application's token, what the API answered.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from project.launch import environment, ports, processes, run, turn, walk
from project.launch.browser import Browser
from project.launch.environment import VAR, Environments, LostEnvironment
from project.launch.ports import PortRefused, Ports
from project.launch.processes import Failed

LONGEST = 180.0  # seconds
LOOK_EVERY = 1.0  # seconds
WHOLE_LIFE = ("announced", "signing", "retired", "withdrawn")


@dataclass(slots=True)
class Watched:
    """What was seen so far."""

    kid: str
    """The key whose life is watched: the first standby."""
    phases: list[str] = field(default_factory=list)
    calls: int = 0
    refused: list[str] = field(default_factory=list)
    tokens_by: list[str] = field(default_factory=list)
    """The keys that signed the application's tokens, in order."""


def main() -> None:
    """Watch one key from its announcement to its withdrawal; exit 1 if the application was refused meanwhile."""
    try:
        where = ports.from_environment(os.environ)
        ports.probe(where)
        with turn.held(VAR):
            variables = environment.prepare(where, os.environ)
            run.prepare_databases(variables, where, VAR)
            with run.started(variables, where, VAR):
                seen = watch(where, variables)
    except (PortRefused, LostEnvironment, Failed, turn.AlreadyRunning, walk.Broken) as error:
        sys.exit(str(error))
    if seen.refused or tuple(seen.phases) != WHOLE_LIFE:
        sys.exit(f"The life was not whole, or the application was refused: {seen.phases} {seen.refused}")


def watch(where: Ports, variables: Environments) -> Watched:
    """Log in, then hurry the ring through two switches, looking every second."""
    one = walk.Walk(where, variables.demo, Browser(), {}, {})
    print("\n".join(step(one) for step in walk.STEPS[:3]) + "\n", flush=True)
    keys = _keys(variables)
    seen = Watched(next(key["kid"] for key in keys if key["phase"] == "announced"))
    hurry = _hurried(variables, seen)
    started = time.monotonic()
    while seen.phases[-1:] != ["withdrawn"] and time.monotonic() - started < LONGEST:
        said = next(hurry, "")
        _look(one, variables, seen, at=time.monotonic() - started, said=said)
        time.sleep(LOOK_EVERY)
    print(
        f"\n{seen.calls} calls of the API, {len(seen.refused)} refused, tokens by {len(seen.tokens_by)} keys in turn."
    )
    return seen


def _hurried(variables: Environments, seen: Watched) -> Iterator[str]:
    """`rotate_keys --now` at the start, and again once the watched key has signed for the application; else nothing."""
    yield processes.command(variables.issuer, "rotate_keys", "--now").strip()
    while seen.kid not in seen.tokens_by:
        yield ""
    yield processes.command(variables.issuer, "rotate_keys", "--now").strip()
    while True:
        yield ""


def _look(one: walk.Walk, variables: Environments, seen: Watched, *, at: float, said: str) -> None:
    shown = json.loads(one.browser.get(f"{one.where.url('webapp')}/evidence.json").text)
    keys = _keys(variables)
    phase = next(key["phase"] for key in keys if key["kid"] == seen.kid)
    signed_by, status = shown["header"]["kid"], shown["api"]["status"]
    seen.calls += 1
    if status != requests.codes.ok:
        seen.refused.append(f"{at:.0f} s: {status}")
    new = phase not in seen.phases or signed_by not in seen.tokens_by or said or status != requests.codes.ok
    seen.phases += [phase] if phase not in seen.phases else []
    seen.tokens_by += [signed_by] if signed_by not in seen.tokens_by else []
    if new:
        ring = "  ".join(f"{key['kid'][:6]} {key['phase']}" for key in keys)
        print(f"{at:5.0f} s  {ring}   token by {signed_by[:6]}, API {status}", flush=True)
        if said:
            print(f"         rotate_keys --now: {said}", flush=True)


def _keys(variables: Environments) -> list[dict[str, Any]]:
    """Each key of the default ring, with its kid and its phase."""
    answer = json.loads(processes.command(variables.issuer, "keys", "--ring", "default", "--json"))
    return list(answer["rings"][0]["keys"])


if __name__ == "__main__":
    main()
