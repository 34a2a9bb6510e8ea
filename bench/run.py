"""Compare the issuer and the API with other systems (`make bench`, `make bench-quick`).

- Every system runs on loopback with two workers, or one process if it runs on node. The PostgreSQL and the Redis serve
  the benchmark only.
- Rounds are interleaved: each row of the table (one kind of request to one server) runs once in each round. The order
  of the rows differs from round to round.
- The cost of a request is CPU time as the kernel counts it: all processes of the server, the PostgreSQL processes of
  its connections, and Redis. Figures are medians over the rounds. A ratio compares samples of the same round.
- Results: the lines on standard output, `bench.json` and `bench.svg` in `--out`.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from bench import chart, fixtures, node, report, rounds, servers, tables
from bench.backing import Backing, backing
from bench.figures import load
from bench.issuers import ROOT, SHELL, Served, served, worktree
from bench.load import drive
from bench.rounds import Rounds
from bench.rows import CALLBACK, CHALLENGE, App, Row
from bench.servers import Server
from bench.tables import signed
from bench.targets import BEFORE, RS256, STATEMENTS, Node, lines

BASE = "5a7c19f"
USERS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """The durations and the numbers of measurements. Times are in seconds."""

    rounds: int
    each: float
    """The duration of the measurement of one row in one round."""
    half_load: float
    starts: int
    """The number of restarts after which the first request is measured."""
    checks: int


FULL = Plan(rounds=5, each=1.5, half_load=300, starts=3, checks=5)
QUICK = Plan(rounds=2, each=0.5, half_load=8, starts=1, checks=1)


@dataclass(frozen=True, slots=True)
class Issuing:
    """A running issuer, and the rows that are measured at it."""

    served: Served
    server: Server
    rows: Sequence[Row]


def main() -> None:
    """Measure, print the results, and write `bench.json` and `bench.svg`.

    Exits with 0 even if a target is missed.
    """
    # The machine can be busy, so a missed target is no failure.
    options, began = parse(), time.monotonic()
    plan = QUICK if options.quick else FULL
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyturn-bench-")))
        services = stack.enter_context(backing(folder))
        document = measured(stack, folder, services, plan, base=options.base)
    document["minutes"] = round((time.monotonic() - began) / 60, 1)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (options.out / "bench.svg").write_text(chart.drawn(document), encoding="utf-8")
    print(f"in {document['minutes']} min; {load()}; {options.out}/bench.json")


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds, in at most three minutes")
    parser.add_argument("--base", default=os.environ.get("BASE") or BASE, help="the build before (%(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench", help="folder of the results (%(default)s)")
    return parser.parse_args()


def measured(stack: ExitStack, folder: Path, services: Backing, plan: Plan, *, base: str) -> dict[str, object]:
    """Start every system, measure it, and print the result lines. Return the content of `bench.json`.

    `base` is the earlier commit to compare with.
    """
    root, key = stack.enter_context(worktree(base, folder)), ec.generate_private_key(ec.SECP256R1())
    current, before = (issuing(stack, folder, services, build, key, plan) for build in (ROOT, root))
    idle = [node.memory(build.server) for build in (current, before)]
    plain = stack.enter_context(servers.toolkit(folder))
    rows = [*current.rows, *(Row(BEFORE + row.name, row.server, row.prepare, row.statuses) for row in before.rows)]
    rows += [*tables.toolkit(plain), *others(stack, folder, current)]
    say(f"{len(rows)} rows, {plan.rounds} rounds of {plan.each} s; {load()}")
    all_rounds = rounds.run(rows, services, count=plan.rounds, seconds=plan.each, say=say)
    counts = counted(current, services)
    whole = of_node(folder, services, plan, (current, before), all_rounds, idle, plain)
    table = list(lines(all_rounds, counts, whole))
    for name in all_rounds.samples:
        print(f"{name:<40} {report.row_text(all_rounds, name)}")
    for line in table:
        print(line)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "conditions": report.conditions(services, base),
        "load": load(),
        "lines": [[line.name, line.figure, line.most, line.unit, line.before] for line in table],
        "medians": {name: round(all_rounds.figure(name), 4) for name in all_rounds.samples},
        "samples": all_rounds.document(),
    }


def issuing(
    stack: ExitStack, folder: Path, services: Backing, root: Path, key: ec.EllipticCurvePrivateKey, plan: Plan
) -> Issuing:
    """Start an issuer of the build in `root`, and register clients and users. Return the issuer with its rows.

    `key` is the private key of the client `own`. The issuer is stopped when `stack` is closed.
    """
    variables = servers.issuer_variables(folder, services.redis_url)
    issuer = stack.enter_context(served(folder, root, workers=servers.WORKERS, variables=variables))
    codes = tables.BATCH * (plan.rounds + 2)  # the warm-up and the count of statements use some, too
    given = {"jwks": tables.key_set(key), "callback": CALLBACK, "challenge": CHALLENGE, "users": USERS, "codes": codes}
    printed = issuer.issuer.run(*SHELL, fixtures.REGISTER.format(given=json.dumps(given)))
    server = servers.of(issuer, "ours" if root == ROOT else "before")
    app = App(server, json.loads(printed.splitlines()[-1]), codes)
    # An earlier build can have documents without an ETag, and answers 200.
    unchanged = tables.NOT_MODIFIED if root == ROOT else (*tables.NOT_MODIFIED, 200)
    rows = list(tables.issuer(server, app, key, unchanged))
    if root == ROOT:
        issuer.issuer.run(*SHELL, fixtures.FAST_RING)
        rows.append(Row("token ES256", server, signed(server, "ES256", scope="fast:read")))
    return Issuing(issuer, server, rows)


def others(stack: ExitStack, folder: Path, current: Issuing) -> Iterator[Row]:
    """Start the other systems and the projects without authentication (floors). Yield the rows to measure at them.

    The APIs among these systems trust the issuer `current`, and get its tokens.
    """
    yield from tables.empty(stack.enter_context(servers.empty(folder)))
    yield from tables.provider(stack.enter_context(servers.provider(folder)))
    yield from tables.api(stack.enter_context(servers.api(folder, current.served)), current.server)
    yield from tables.express(stack.enter_context(servers.express(folder, current.served)), current.server)


def counted(current: Issuing, services: Backing) -> dict[str, tuple[int, int]]:
    """Return the numbers of SQL statements and of Redis commands per request, by the name of the row.

    Only the rows in STATEMENTS are counted, because only they have a target.
    """
    counts = {}
    for row in current.rows:
        if row.name in STATEMENTS:
            clients, database = row.prepare(), current.server.database
            with services.counted():
                statements, commands = services.statements(database), services.redis_commands()
                answers = drive(row.server.url, clients, seconds=1.5).count
                used = services.statements(database) - statements, services.redis_commands() - commands
            # Rounded: those of the background thread, and of a repeated transaction, are in the sum.
            counts[row.name] = round(used[0] / answers), round(used[1] / answers)
    return counts


def of_node(
    folder: Path,
    services: Backing,
    plan: Plan,
    builds: tuple[Issuing, Issuing],
    all_rounds: Rounds,
    idle: Sequence[float],
    plain: Server,
) -> Node:
    """Measure a whole issuer node after the rounds, and return the figures.

    `builds` are this build and the earlier build. `all_rounds` are the results of the rounds. `idle` has the memory of
    each build before the rounds, in MiB. `plain` is the project with django-oauth-toolkit.
    """
    server = builds[0].server
    loaded = [node.memory(build.server) for build in builds]
    drive_at = all_rounds.figure(RS256, lambda sample: sample.rate)
    half = node.at_half_load(server, services, full=drive_at, seconds=plan.half_load)
    toolkit = {"DJANGO_SETTINGS_MODULE": "bench.peers.toolkit", "SECRET_KEY": "none", "DATABASE_URL": plain.database}
    return Node(
        connections={crowd: node.connections(server, clients=crowd, seconds=2) for crowd in node.CROWDS},
        shared_connections=node.shared_connections(folder, services, workers=servers.WORKERS, seconds=2),
        first_request=sorted(node.first_request(folder, services) for _ in range(plan.starts))[plan.starts // 2],
        check=node.check_ratio(builds[0].served.issuer.variables, toolkit, rounds=plan.checks),
        slowest=half.wait(0.999) / half.wait(0.5),
        idle=idle[0],
        loaded=loaded[0],
        idle_before=idle[1],
        loaded_before=loaded[1],
    )


def say(text: str) -> None:
    """Print progress to standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
