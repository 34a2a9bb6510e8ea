"""`make life`: show the life of a signing key within two minutes, while the web application is in use.

Runs the three processes with development timings. Prints a line each time that one of these changes: the phases of the
keys, the key that signed the application's token, or the API's answer.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from project.launch import environment, folder_lock, ports, processes, run, walk
from project.launch.browser import Browser
from project.launch.environment import VAR, Environments, LostEnvironment
from project.launch.ports import PortRefused, Ports
from project.launch.processes import Failed

LONGEST = 180.0  # seconds
LOOK_EVERY = 1.0  # seconds
WHOLE_LIFE = ("announced", "signing", "retired", "withdrawn")


@dataclass(slots=True)
class Watched:
    """The results of `make life`: the watched key's phases, the API calls, and the keys that signed tokens."""

    kid: str
    """The kid of the watched key, which is the first standby key."""
    phases: list[str] = field(default_factory=list)
    calls: int = 0
    refused: list[str] = field(default_factory=list)
    tokens_by: list[str] = field(default_factory=list)
    """The kids of the keys that signed the application's tokens, in order."""


def main() -> None:
    """Watch a key from its announcement to its withdrawal.

    Exits with 1 if the API refused a token in that time, if the key skipped a phase, or if a process failed.
    """
    try:
        process_ports = ports.from_environment(os.environ)
        ports.probe(process_ports)
        with folder_lock.hold(VAR):
            variables = environment.prepare(process_ports, os.environ)
            run.prepare_databases(variables, process_ports, VAR)
            with run.started(variables, process_ports, VAR):
                watched = watch(process_ports, variables)
    except (PortRefused, LostEnvironment, Failed, folder_lock.AlreadyRunning, walk.Broken) as error:
        sys.exit(str(error))
    if watched.refused or tuple(watched.phases) != WHOLE_LIFE:
        problem = "The key did not pass all phases, or the API refused the application"
        sys.exit(f"{problem}: {watched.phases} {watched.refused}")


def watch(process_ports: Ports, variables: Environments) -> Watched:
    """Log in to the application, rotate the signing key twice, and return the results.

    The watched key is the first standby key. Every second, records its phase, the key that signed the application's
    token, and the API's answer. Ends when the watched key is withdrawn, or after LONGEST seconds.
    """
    tour = walk.Walk(process_ports, variables.demo, Browser(), {}, {})
    print("\n".join(step(tour) for step in walk.STEPS[:3]) + "\n", flush=True)
    keys = _keys(variables)
    watched = Watched(next(key["kid"] for key in keys if key["phase"] == "announced"))
    rotations = _rotations(variables, watched)
    started = time.monotonic()
    while watched.phases[-1:] != ["withdrawn"] and time.monotonic() - started < LONGEST:
        rotation = next(rotations, "")
        _observe(tour, variables, watched, at=time.monotonic() - started, rotation=rotation)
        time.sleep(LOOK_EVERY)
    print(
        f"\n{watched.calls} calls of the API, {len(watched.refused)} refused; "
        f"{len(watched.tokens_by)} keys signed the tokens, one after another."
    )
    return watched


def _rotations(variables: Environments, watched: Watched) -> Iterator[str]:
    """Run `rotate_keys --now` when a rotation is due, and yield its output. Otherwise, yield "". Never ends.

    The first rotation is due at once. The second is due as soon as the key `watched.kid` has signed a token for the
    application.
    """
    yield processes.command(variables.issuer, "rotate_keys", "--now").strip()
    while watched.kid not in watched.tokens_by:
        yield ""
    yield processes.command(variables.issuer, "rotate_keys", "--now").strip()
    while True:
        yield ""


def _observe(tour: walk.Walk, variables: Environments, watched: Watched, *, at: float, rotation: str) -> None:
    """Let the application call the API once.

    Record the phase of the watched key, the signing key and the answer in `watched`. Prints a line if a phase or a
    signing key is new, after a rotation, and after a refusal. `at` is in seconds since the start. `rotation` is the
    output of `rotate_keys`, or "".
    """
    evidence = json.loads(tour.browser.get(f"{tour.ports.url('webapp')}/evidence.json").text)
    keys = _keys(variables)
    phase = next(key["phase"] for key in keys if key["kid"] == watched.kid)
    signed_by, status = evidence["header"]["kid"], evidence["api"]["status"]
    watched.calls += 1
    if status != requests.codes.ok:
        watched.refused.append(f"{at:.0f} s: {status}")
    is_new = (
        phase not in watched.phases or signed_by not in watched.tokens_by or rotation or status != requests.codes.ok
    )
    watched.phases += [phase] if phase not in watched.phases else []
    watched.tokens_by += [signed_by] if signed_by not in watched.tokens_by else []
    if is_new:
        ring = "  ".join(f"{key['kid'][:6]} {key['phase']}" for key in keys)
        print(f"{at:5.0f} s  {ring}   token signed by {signed_by[:6]}, API {status}", flush=True)
        if rotation:
            print(f"         rotate_keys --now: {rotation}", flush=True)


def _keys(variables: Environments) -> list[dict[str, Any]]:
    """Return the keys of the key ring `default`, as `manage.py keys --json` lists them.

    `variables` has the environment variables of the issuer.
    """
    answer = json.loads(processes.command(variables.issuer, "keys", "--ring", "default", "--json"))
    return list(answer["rings"][0]["keys"])


if __name__ == "__main__":
    main()
