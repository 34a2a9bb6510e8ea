"""Measures the cost of the revocation feed in this build and in an earlier build (`make bench-feed`).

Needs PostgreSQL (TEST_DATABASE_URL, or 127.0.0.1:5432). Starts an issuer of this build with `--entries` live entries,
and an issuer of an earlier commit with `--before-entries` live entries. Prints each figure with its target and a
verdict. CPU time is that of the issuer's processes, read from /proc. The longest waits are measured with real-time
priority if that is allowed (root). Otherwise, they include waits for other work on the machine.

Read in this order: issuer_feed, feed_before, shared, api_feed, token_check. Then read the modules that they use:
issuers, revocation_rows, stalls, readers, priority, figures.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import feed_before, issuer_feed
from bench.figures import Row, load
from bench.issuers import ROOT, end_session, worktree

REPLACED = "tokens/oauth/denial.py"
"""A file of the earlier implementation. The parent of the commit that removed this file is the earlier build."""


def main() -> None:
    """Measure the revocation feed of this build and of the earlier one, and print the figures."""
    options = parse()
    start = time.monotonic()
    print(f"{options.entries:,} live entries; {load()}", flush=True)
    try:
        with tempfile.TemporaryDirectory() as name:
            before = measured_before(options, Path(name)) if options.before_entries else {}
            for row in issuer_feed.measure(Path(name), options.entries, before):
                print(row, flush=True)
    finally:
        end_session()
    for row in api(options.entries):
        print(row, flush=True)
    print(f"in {(time.monotonic() - start) / 60:.1f} min; {load()}")


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="live entries (%(default)s)")
    parser.add_argument(
        "--before-entries",
        type=int,
        default=40_000,
        help="of the build before, whose APIs read some 68,000; 0: without it (%(default)s)",
    )
    parser.add_argument("--against", default=before_the_change(), help="the build before (%(default)s)")
    return parser.parse_args()


def before_the_change() -> str:
    """Return the hash of the last commit that has the earlier implementation of the revocation feed."""
    log = ["git", "log", "-1", "--format=%P", "--diff-filter=DR", "--", REPLACED]
    return subprocess.run(log, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[0]


def measured_before(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Measure the earlier build, and return its figures by name.

    Also prints how long the earlier build takes to serve larger feeds, and whether its APIs read them.
    """
    with worktree(options.against, folder) as root:
        figures, rows = feed_before.measure(root, folder, options.before_entries)
    print(f"before: {options.against[:10]} with {options.before_entries:,} entries", *rows, sep="\n", flush=True)
    return figures


def api(entries: int) -> list[Row]:
    """Return the figures of an API for a feed of `entries` entries.

    They are measured in a new process.
    """
    command = [sys.executable, "-m", "bench.api_feed", "--json", "--entries", str(entries)]
    result = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return [Row(*figure) for figure in json.loads(result.stdout)]


if __name__ == "__main__":
    main()
