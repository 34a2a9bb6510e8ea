"""Measures how the latency of each endpoint grows with the tables (`make bench-growth`).

Needs PostgreSQL's programs and Redis. Starts a PostgreSQL of its own with two databases. In one of them, each table
that grows has 10,000 rows, and in the other, it has `--rows` rows. Starts an issuer on each database. In interleaved
rounds, one client sends the same requests to both issuers. Prints for each endpoint the ratio of the median latencies
with a verdict, the latencies, and the CPU time. For a ratio that misses its target, it also prints what each statement
took.

10,000,000 rows need 35 GB below the folder of temporary files, and half an hour on two cores.

Read in this order: growth, endpoints, full_tables, pairs. Then read the modules that they use: rows, rounds, backing,
priority, figures.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench import endpoints, rounds, servers
from bench.backing import Backing, backing
from bench.figures import load
from bench.full_tables import Size, fill
from bench.issuers import served
from bench.load import drive
from bench.pairs import MOST, Counted, Pair, explained
from bench.rounds import rotated
from bench.rows import Row

FEW, MANY = 10_000, 10_000_000
ROUNDS, SECONDS = 7, 0.8
POSTGRESQL = {
    "shared_buffers": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}
"""Settings of PostgreSQL, with which no checkpoint and no vacuum begins during a measurement.

`shared_buffers` is a quarter of the memory of a small server.
"""


def main() -> None:
    """Fill both databases, measure, and print the results.

    Exits with 0 even if a target is missed.
    """
    # The machine can be busy, so a missed target is no failure.
    options, began = parse(), time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyturn-bench-")))
        services = stack.enter_context(backing(folder, POSTGRESQL))
        few, many = (started(stack, folder, services, rows) for rows in (FEW, options.rows))
        pairs = [Pair(few_row, many_row, []) for few_row, many_row in zip(few, many, strict=True)]
        measure(pairs, services)
        print(json.dumps(document(pairs, options.rows), indent=1) if options.json else table(pairs, options.rows))
        for pair in pairs:
            for text in reasons(pair, services):
                say(text)
        if options.hold:
            input(f"Press Enter to end. {pairs[0].few.server.database} {pairs[0].many.server.database}\n")
    say(f"in {(time.monotonic() - began) / 60:.1f} min; {load()}")


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=MANY, help="rows in each table that grows (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--hold", action="store_true", help="keep both databases until Enter is pressed")
    return parser.parse_args()


def started(stack: ExitStack, folder: Path, services: Backing, number: int) -> list[Row]:
    """Start an issuer, and fill its tables with `number` rows each.

    Returns the kinds of request (`bench.rows.Row`) that are measured at this issuer.
    """
    variables = servers.issuer_variables(folder, services.redis_url)
    issuer = stack.enter_context(served(folder, variables=variables))
    fill(issuer.database, Size(number), lambda text: say(f"{number:,}: {text}"))
    # A round each for the warm-up and for the statements of a row that misses its target.
    return list(endpoints.of(endpoints.registered(issuer, f"{number:,} rows", rounds=ROUNDS + 2)))


def measure(pairs: Sequence[Pair], services: Backing) -> None:
    """Send the requests of each pair as a warm-up. Then measure the pairs in ROUNDS rounds.

    In each round, both rows of each pair are measured, and their two samples are added to `pair.samples`.
    """
    say(f"{len(pairs)} endpoints, {ROUNDS} rounds; {load()}")
    for pair in pairs:
        for row in pair.turn(0):
            rounds.measure(row, services, seconds=SECONDS)
    for number in range(ROUNDS):
        for pair in rotated(pairs, number, ROUNDS):
            samples = {id(row): rounds.measure(row, services, seconds=SECONDS) for row in pair.turn(number)}
            pair.samples.append((samples[id(pair.few)], samples[id(pair.many)]))
        say(f"round {number + 1} of {ROUNDS}: {load()}")


def table(pairs: Sequence[Pair], rows: int) -> str:
    """Return the table of the results as text."""
    title = f"latency beside {FEW:,} and {rows:,} rows in each table, and their ratio"
    return "\n".join([title, *(f"{pair.line()}   {pair.detail()}" for pair in pairs)])


def document(pairs: Sequence[Pair], rows: int) -> Mapping[str, object]:
    """Return the figures in the form in which --json prints them."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load": load(),
        "rows": [FEW, rows],
        "lines": [[pair.few.name, pair.line().figure, MOST, "x"] for pair in pairs],
        "samples": {pair.few.name: pair.document() for pair in pairs},
    }


def reasons(pair: Pair, services: Backing) -> Iterator[str]:
    """Yield lines with the costs of the SQL statements at both issuers of the pair.

    Yields nothing unless the ratio of the pair's latencies misses its target.
    """
    if pair.line().figure > MOST:
        yield f"{pair.few.name}, at {pair.few.server.name} and at {pair.many.server.name}:"
        yield from explained(counted(pair.few, services), counted(pair.many, services))


def counted(row: Row, services: Backing) -> Counted:
    """Send the requests of a row once more, and return the cost of their SQL statements."""
    clients = row.prepare()
    with services.counted(commits=True):
        services.forget()
        answers = drive(row.server.url, clients, seconds=SECONDS).count
        return Counted(answers, services.costs(row.server.database))


def say(text: str) -> None:
    """Print progress to standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
