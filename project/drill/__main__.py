"""`make drill`: start a topology and clients, break the topology part by part, and print a table and the verdict.

Exits with 1 if a rule of the verdict (verdict.py) was broken, and with 2 if the drill itself failed.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from project.drill import clients, registration, report
from project.drill.caller import PAUSE, World
from project.drill.fault_window import Drill, Fault, Sizes
from project.drill.ledger import BY_WEBAPP, OK, Ledger
from project.drill.periodic_jobs import JOBS
from project.drill.plan import ALL, BESIDE_CROWD, FULL, QUICK
from project.drill.servers import Missing
from project.drill.topology import APIS, ISSUERS, POLL, WEBAPP, Topology, running
from project.drill.verdict import Promises, Violation, judge
from project.drill.wire import Wallet
from project.launch.processes import Failed

BUSY = 9
"""Seconds by which other work of the machine can delay a poll of the feed."""
BOUNDS = Promises(
    revocation=POLL + BUSY,
    leeway=30,
    recovery=15,
    grant_types=frozenset(kind.name for kind in clients.GRANT_TYPES),
    apis=frozenset({*APIS}),
    applications=frozenset({BY_WEBAPP}),
    jobs=frozenset(JOBS),
)


def main() -> None:
    """Parse the command line, run the drill and print its report.

    Exits with 1 if a rule of verdict.py was broken, and with 2 if the drill itself failed.
    """
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # an exit stops the started processes
    with tempfile.TemporaryDirectory(prefix="keyturn-drill-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # PostgreSQL's user has to reach its folder inside this folder
        ledger = Ledger()
        try:
            problems = run(folder, ledger, sizes(options), plan(options))
        except (Failed, TimeoutError, Missing) as error:
            problems = [str(error)]
        if options.keep:
            (folder / "ledger.json").write_text(json.dumps(asdict(ledger), default=sorted), encoding="utf-8")
    violations = judge(ledger, BOUNDS)
    show(ledger, violations, as_json=options.json)
    for problem in dict.fromkeys(problems):
        print(f"The drill itself failed: {problem}", file=sys.stderr)
    sys.exit(2 if problems else 1 if violations else 0)


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m project.drill", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three faults only, in about a minute")
    parser.add_argument(
        "--fault", action="append", choices=[fault.__name__ for fault in ALL], help="only this; can be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument(
        "--answer-within", type=float, default=3, metavar="SECONDS", help="ANSWER_WITHIN of the nodes (%(default)s)"
    )
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="keep logs and ledger in this folder")
    return parser.parse_args()


def plan(options: argparse.Namespace) -> list[Fault]:
    """Return the faults to inject, in the order of ALL.

    These are the faults that --fault names. Without --fault, they are QUICK if --quick is set, else FULL.
    """
    chosen = options.fault or [fault.__name__ for fault in (QUICK if options.quick else FULL)]
    return [fault for fault in ALL if fault.__name__ in chosen]


def sizes(options: argparse.Namespace) -> Sizes:
    """Return the durations of the faults, and the number of users of the mass log-out."""
    # A node notices a frozen PostgreSQL only after ANSWER_WITHIN, so a short fault lasts longer.
    short = max(7.0, options.answer_within + 1)
    return Sizes(answer_within=options.answer_within, short=short, crowd=0 if options.quick else 100_000)


def show(ledger: Ledger, violations: Sequence[Violation], *, as_json: bool) -> None:
    """Print the report about the records in `ledger` and the violations of the rules, as text or as JSON."""
    if as_json:
        print(json.dumps(report.as_json(ledger, violations)))
        return
    print(f"\n{report.table(report.lines(ledger))}\n")
    print("\n".join(report.summary(ledger, violations)))


def run(folder: Path, ledger: Ledger, chosen: Sizes, steps: Sequence[Fault]) -> list[str]:
    """Start the topology and the clients, inject the faults `steps` in order, and record the results in `ledger`.

    Returns the errors of the drill itself, not of the deployment.

    Raises Failed or TimeoutError if a process does not start or answer, and Missing if a program is not installed.
    """
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {text}", file=sys.stderr, flush=True)

    say(f"starting; load {os.getloadavg()[0]:.1f}")
    with running(folder, answer_within=chosen.answer_within) as topology, ThreadPoolExecutor() as pool:
        enrollment = pool.submit(registration.register, topology)
        topology.start(*ISSUERS, *APIS, WEBAPP)
        world = World(topology, enrollment.result(), Wallet(ledger))
        threads = clients.start(world, APIS)
        say("clients run")
        crowd = pool.submit(add_crowd, topology, chosen.crowd, say)
        warm_up(world)
        drill = Drill(world, chosen, say)
        for fault in steps:
            if fault not in BESIDE_CROWD:
                crowd.result()
            fault(drill)
        time.sleep(3)
        clients.look_for_revocations(world)
        world.stopped.set()
        for thread in threads:
            thread.join(PAUSE + 20)
        say(f"done; load {os.getloadavg()[0]:.1f}")
    return world.problems


def add_crowd(topology: Topology, number: int, say: Callable[[str], None]) -> None:
    """Add `number` users, whom the drill later logs out all at once. `say` prints that they were added.

    Does nothing if `number` is 0.
    """
    if number:
        registration.add_crowd(topology, number)
        say(f"{number:,} users added")


def warm_up(world: World) -> None:
    """Wait until each client has got a token. Raises TimeoutError if that takes too long."""
    until = time.monotonic() + 60 + 10 * world.topology.answer_within  # a busy machine has a longer ANSWER_WITHIN
    calls = world.wallet.ledger.calls
    while missing := BOUNDS.grant_types - {
        call.client for call in calls if call.outcome == OK and call.group == "token"
    }:
        if time.monotonic() > until:
            raise TimeoutError(f"no tokens for {', '.join(sorted(missing))}: {world.problems[:3]}")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
