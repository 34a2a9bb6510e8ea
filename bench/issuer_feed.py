"""Measure what the revocation feed costs an issuer of this build."""

import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import requests

from bench import shared
from bench.figures import Row
from bench.issuers import Served, served
from bench.priority import ahead
from bench.revocation_rows import END_ALL, arrive, hashed, load
from bench.shared import FEED, JWKS
from bench.stalls import Stalls, Waits
from tests.services.test_revocation_log import HttpBrowser
from tests.tokens.feed_reader import Reader, claims_of

ARRIVING, ROUNDS, READS = 1000, 50, 10
INLINE = 16_384  # entries
HEAD = b"""
SELECT version, tag, sealed, (SELECT id FROM tokens_waitingentry ORDER BY id LIMIT 1) IS NOT NULL
FROM tokens_revocationlog WHERE id = 1"""


def measure(folder: Path, entries: int, before: dict[str, float]) -> Iterator[Row]:
    """Yield the figures of an issuer with `entries` live entries.

    `before` has the figures of the earlier build, by name.
    """
    with served(folder) as issuer:
        load(issuer, entries)
        idle_cost, idle = stalled(issuer, lambda: time.sleep(5))
        yield row("longest wait of a request while nothing happens", idle, most=None)
        probe = idle_cost / idle.requests
        published, waits = stalled(issuer, lambda: publish(issuer))
        yield Row("publishing all of it once (CPU)", (published - waits.requests * probe) / 1000, 10, "s")
        yield row("longest wait of another request during it", waits)
        yield Row("statement of an unchanged poll, before a vacuum (median)", head(issuer), None, "ms")
        issuer.execute("VACUUM ANALYZE")
        yield Row("statement of an unchanged poll, after it", head(issuer), None, "ms")
        version = claims_of(requests.get(issuer.url + FEED, timeout=60).text)["version"]
        ratio = shared.ratio_of_304(issuer, f'W/"{version}"')
        yield Row("unchanged poll, in JWKS 304s (CPU)", ratio, 2, "x", before.get("304"))
        yield Row("delta of 100 entries (CPU)", delta(issuer, version), 5, "ms")
        cost, waits = full_reads(issuer, probe)
        yield Row("full read (CPU)", cost / 1000, 3, "s", before.get("full"))
        yield row(f"longest wait of another request in {READS} full reads", waits, before=before.get("stall"))
        ratio, alone = shared.beside_readers(issuer, arriving=True)
        yield Row("token request alone (mean)", alone, None, "ms")
        yield Row("token requests beside 8 readers, in those alone", ratio, 1.2, "x", before.get("beside"))
        yield Row("from commit to an answer, 1000 revocations a second", arriving(issuer), 1, "s")
        yield from purged(issuer)


def row(name: str, waits: Waits, *, most: float | None = 20, before: float | None = None) -> Row:
    """Return a row of the output with the longest wait of a request, `waits.longest`.

    The text of the row has the number of requests, and the percentage of them that count. A request does not count if
    other work on the machine delayed it (`bench.stalls`). `most` is the target in milliseconds, or None. `before` is
    the longest wait in the earlier build in milliseconds, or None.
    """
    return Row(f"{name} ({waits.counted / waits.requests:.0%} of {waits.requests})", waits.longest, most, "ms", before)


def stalled(issuer: Served, work: Callable[[], object]) -> tuple[float, Waits]:
    """Run `work`. Return the issuer's CPU milliseconds, and the waits of another process that requests /healthz.

    The CPU time includes that of the requests of /healthz.
    """
    with ExitStack() as stack:
        for process in issuer.processes():
            stack.enter_context(ahead(process))
        stalls = Stalls(issuer.url, issuer.processes())
        cost = issuer.cost(work)
        return cost, stalls.end()


def head(issuer: Served) -> float:
    """Run the SQL statement of a poll without changes ROUNDS times. Return its median time in milliseconds."""
    took = []
    with psycopg.connect(issuer.database, autocommit=True) as base:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            base.execute(HEAD).fetchone()
            took.append(time.perf_counter() - start)
    return statistics.median(took) * 1000


def publish(issuer: Served) -> None:
    """Poll the feed until every entry is published."""
    with requests.Session() as session:
        while claims_of(session.get(issuer.url + FEED, timeout=60).text).get("more"):
            pass


def full_reads(issuer: Served, probe: float) -> tuple[float, Waits]:
    """Read the full feed READS times. Return the median CPU milliseconds of a read, and the waits of /healthz requests.

    Another process sends these /healthz requests during each read (`stalled`). `probe` is the CPU milliseconds of one
    such request. The cost of all these requests is subtracted from that of the read. Before each read, some tokens are
    revoked, so that the issuer builds the document again.
    """
    costs, waits = [], []
    for number in range(READS):
        with psycopg.connect(issuer.database, autocommit=True) as base:
            arrive(base, [f"read-{number}-{n}" for n in range(INLINE // READS)])
        cost, waited = stalled(issuer, lambda: fetch(issuer))
        costs.append(cost - waited.requests * probe)
        waits.append(waited)
    together = Waits(
        max(wait.longest for wait in waits), sum(wait.counted for wait in waits), sum(wait.left_out for wait in waits)
    )
    return statistics.median(costs), together


def fetch(issuer: Served) -> None:
    """Fetch the full feed without merging its entries into an API's state. `bench.api_feed` measures the merging."""
    with requests.Session() as session:
        for digest, count in claims_of(session.get(issuer.url + FEED, timeout=60).text).get("segments", []):
            assert len(session.get(f"{issuer.url}{FEED}/segments/{digest}", timeout=60).content) == 24 * count


def delta(issuer: Served, version: str) -> float:
    """Return the issuer's CPU milliseconds for a poll in which it publishes, packs and signs 100 new entries.

    The result is the mean of ROUNDS polls. The first poll asks for the entries after the version `version` of the feed.
    """
    with requests.Session() as session, psycopg.connect(issuer.database, autocommit=True) as base:
        spent = 0.0
        for number in range(ROUNDS):
            session.get(issuer.url + JWKS, timeout=60)  # it may read the keys again, which is not the feed's cost
            arrive(base, [f"round-{number}-{n}" for n in range(100)])
            before = issuer.cpu()
            claims = claims_of(session.get(issuer.url + FEED, params={"since": version}, timeout=60).text)
            spent += issuer.cpu() - before
            assert len(claims["entries"]) == 100 * 32, claims.keys()
            version = claims["version"]
    return spent * 1000 / ROUNDS


def arriving(issuer: Served) -> float:
    """Return the longest time in seconds from the commit of a revocation until a reader has its entry.

    The reader polls continuously.
    """
    reader = Reader(HttpBrowser(issuer.url))
    reader.version = claims_of(requests.get(issuer.url + FEED, timeout=60).text)["version"]
    committed: dict[bytes, float] = {}
    seen: dict[bytes, float] = {}
    with ExitStack() as stack:
        # Connected here, so that it has priority too: otherwise fewer arrive, and a publisher waits for its locks.
        connection = stack.enter_context(psycopg.connect(issuer.database, autocommit=True))
        thread = threading.Thread(target=revoke_for_ten_seconds, args=(connection, committed))
        for process in (os.getpid(), *issuer.processes(), *issuer.connections()):
            stack.enter_context(ahead(process))
        start = time.time()
        thread.start()
        goes_on = True
        while goes_on:
            arriving_still, received_before = thread.is_alive(), len(reader.received)
            goes_on = reader.poll() != 304 or arriving_still
            seen |= dict.fromkeys(reader.received[received_before:], time.time())
    print(f"revocations arrived at {len(committed) / (max(committed.values()) - start):.0f} a second")
    return max(seen[entry] - at for entry, at in committed.items())


def revoke_for_ten_seconds(connection: "psycopg.Connection[tuple[object, ...]]", committed: dict[bytes, float]) -> None:
    """Revoke ARRIVING tokens per second for ten seconds, ten in each transaction.

    Stores the time of each commit in `committed`, in Unix seconds, by the keys of the entries in the feed.
    """
    start = time.time()
    for number in range(ARRIVING):
        time.sleep(max(0.0, start + number * 10 / ARRIVING - time.time()))
        names = [f"arriving-{number}-{n}" for n in range(10)]
        arrive(connection, names)
        committed |= {hashed(name): time.time() for name in names}


def purged(issuer: Served) -> list[Row]:
    """Make all entries expire, and purge them. Return two rows of the output.

    The first row has the seconds that the purge of 100,000 entries takes. The second row has the number of entries and
    segments that are left.
    """
    issuer.execute(*END_ALL)
    start = time.perf_counter()
    removed = json.loads(issuer.issuer.run("purge_tokens", "--json", "--batch", "10000"))["removed"]["revocations"]
    seconds = time.perf_counter() - start
    [(left,)] = issuer.issuer.rows(
        "SELECT (SELECT count(*) FROM tokens_revocation) + (SELECT count(*) FROM tokens_segment)"
    )
    return [
        Row("purge of 100,000 ended entries", seconds / removed * 100_000, 60, "s"),
        Row("entries and segments left after it", left, 0, "rows"),
    ]
