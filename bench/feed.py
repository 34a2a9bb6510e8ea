"""Measures the cost of the revocation feed, and of an earlier build's feed, in one run (`make bench-feed`).

Needs PostgreSQL (TEST_DATABASE_URL, or 127.0.0.1:5432). Starts an issuer of this build with `--entries` live entries,
and one of an earlier commit with as many as that can carry. Prints each target with its figure and a verdict. CPU time
is that of the issuer's processes, read from /proc; other work on the machine makes times longer, and hardly CPU time.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import requests

from project.launch import processes
from project.launch.ports import free
from tests.services import conftest as services
from tests.services.conftest import Issuer, migrated
from tests.services.test_revocation_log import COPIED, SHELL, WAITING, Over
from tests.tokens.feed_reader import Reader, claims_of, key

ROOT = Path(__file__).resolve().parent.parent
FEED, JWKS, TOKEN, HEALTH = "/oauth/revocations", "/.well-known/jwks.json", "/oauth/token", "/healthz"
REPLACED = "tokens/oauth/denial.py"
"""A file of the earlier build. The commit that removed it is the change."""
TICK = os.sysconf("SC_CLK_TCK")
POLLS, TOKENS, READERS, ARRIVING, ROUNDS = 600, 300, 8, 1000, 50
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"
UNLIMITED = "token=999999/60,revocations=999999/60,segments=999999/60"
OLD_ROWS = """
INSERT INTO tokens_denial (kind, identifier, holder, until)
SELECT 'jti', md5(n::text), '', now() + interval '1 hour' FROM generate_series(1, {number}) n"""
CLIENT = """
from django.utils import timezone
from tokens.models import Api, Client, Scope
from tokens.oauth import client_secret
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
service = Client.objects.create(client_id="service", name="S", grants=["client_credentials"],
    token_endpoint_auth_method="client_secret_post")
service.scopes.add(scope)
print(client_secret.create(service, now=timezone.now()))
"""
ARRIVE = """
WITH entry AS (
    INSERT INTO tokens_revocation ("key", kind, issued_before, until)
    SELECT substr(encode(sha256(('jti' || chr(1) || name)::bytea), 'hex'), 1, 32)::uuid, 'jti', 0,
        extract(epoch FROM now())::bigint + 3600
    FROM unnest(%s::text[]) name RETURNING "key", until
)
INSERT INTO tokens_waitingentry (entry)
SELECT uuid_send("key") || substring(int8send(until) FROM 5) || substring(int8send(0) FROM 5) FROM entry"""
"""Does what revoke_token does, in one statement, so that the benchmark is not slower than what it measures."""


@dataclass(frozen=True, slots=True)
class Row:
    """A target and its measured figure."""

    name: str
    figure: float
    most: float
    unit: str
    before: float | None = None

    def __str__(self) -> str:
        verdict = "met" if self.figure <= self.most else "MISSED"
        before = "-" if self.before is None else f"{self.before:.2f}"
        return f"{self.name:<58} {self.figure:10.2f} {self.unit:<5} <= {self.most:<8g} {verdict:<7} before: {before}"


@dataclass(frozen=True, slots=True)
class Served:
    """A running issuer."""

    issuer: Issuer
    child: processes.Child
    secret: str

    @property
    def url(self) -> str:
        return self.child.url

    def cpu(self) -> float:
        """Return the CPU seconds of its processes so far."""
        group = os.getpgid(self.child.process.pid)
        running = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return sum(_cpu(process) for process in running if _group(process) == group)

    def cost(self, work: Callable[[], object], *, times: int = 1) -> float:
        """Return the issuer's CPU milliseconds for one run of `work`."""
        before = self.cpu()
        for _ in range(times):
            work()
        return (self.cpu() - before) * 1000 / times


def main() -> None:
    """Measure and print."""
    options = parse()
    services.SERVER = services.SERVER or LOCAL  # none of its own: that one would not write to the disk
    try:
        compare(options)
    finally:
        services.end_session()


def compare(options: argparse.Namespace) -> None:
    """Measure both builds and an API, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before: dict[str, float] = {}
        if options.before_entries:
            with worktree(options.against, folder) as old:
                before = measure_before(old, folder, options.before_entries)
        print(
            f"{options.entries} live entries; before: {options.against[:10]} with {options.before_entries}", flush=True
        )
        for row in measure(folder, options.entries, before):
            print(row, flush=True)
    for row in measure_reader(options.entries):
        print(row, flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="live entries (%(default)s)")
    parser.add_argument(
        "--before-entries", type=int, default=10_000, help="of the build before; 0: without it (%(default)s)"
    )
    parser.add_argument("--against", default=before_the_change(), help="the build before (%(default)s)")
    return parser.parse_args()


def before_the_change() -> str:
    """Return the commit before the one that replaced the feed."""
    log = ["git", "log", "-1", "--format=%P", "--diff-filter=DR", "--", REPLACED]
    return subprocess.run(log, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[0]


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """Check a commit out into a temporary folder, with the same environment."""
    path = folder / "before"
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(path), commit], cwd=ROOT, check=True)
    try:
        yield path
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(path)], cwd=ROOT, check=True)


@contextmanager
def served(folder: Path, root: Path, *, workers: int = 1) -> Iterator[Served]:
    """Start an issuer of the build in `root`, on its own database."""
    with at(root), migrated() as made:
        url = f"http://localhost:{free()}"
        issuer = replace(made, variables=made.variables | {"ISSUER_URL": url, "RATE_LIMITS": UNLIMITED})
        if root != ROOT:
            limits = UNLIMITED.partition(",")[0]
            issuer = replace(issuer, variables=issuer.variables | {"RATE_LIMITS": limits})
        issuer.run("rotate_keys")
        secret = issuer.run(*SHELL, CLIENT).strip()
        child = services.serve(issuer, url, folder / f"{url.rpartition(':')[2]}.log", workers=workers)
        try:
            processes.wait_until_ready(child, "/readyz")
            yield Served(issuer, child, secret)
        finally:
            processes.stop([child])


@contextmanager
def at(root: Path) -> Iterator[None]:
    """Make the tests' helpers start the build in `root`."""
    kept, services.ROOT = services.ROOT, root
    try:
        yield
    finally:
        services.ROOT = kept


def measure_before(root: Path, folder: Path, entries: int) -> dict[str, float]:
    """Return the figures of the earlier build, with as many entries as it can carry."""
    with served(folder, root) as one:
        fill(one, OLD_ROWS.format(number=entries))
        tag = requests.get(one.url + FEED, timeout=60).headers["ETag"]
        return {
            "304": ratio_of_304(one, tag, times=20),
            "full": one.cost(lambda: requests.get(one.url + FEED, timeout=60), times=3) / 1000,
            "beside": beside_readers(one, tag),
        }


def fill(one: Served, *statements: str) -> None:
    with psycopg.connect(one.issuer.variables["DATABASE_URL"], autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def measure(folder: Path, entries: int, before: dict[str, float]) -> Iterator[Row]:
    """Yield the figures of this build."""
    with served(folder, ROOT) as one:
        load(one, entries)
        yield Row("publishing all of it once (CPU)", one.cost(lambda: follow(one)) / 1000, 10, "s")
        fill(one, "VACUUM ANALYZE")
        version = follow(one).version
        ratio = ratio_of_304(one, f'W/"{version}"')
        yield Row("unchanged poll, in JWKS 304s (CPU)", ratio, 2, "x", before.get("304"))
        yield Row("delta of 100 entries (CPU)", delta(one, version), 5, "ms")
        alone = Stalls(one.url)
        time.sleep(10)
        usual, stalled = alone.end(), Stalls(one.url)
        full = one.cost(lambda: fetch(one)) / 1000
        stall = (stalled.end() - usual) * 1000
        yield Row("full read (CPU)", full, 3, "s", before.get("full"))
        yield Row("what a full read adds to another request (p99)", stall, 20, "ms")
        yield Row("from commit to an answer, 1000 revocations a second", arriving(one), 1, "s")
        yield Row("token requests beside 8 readers (median)", beside_readers(one, ""), 1.2, "x", before.get("beside"))
        yield from purged(one)


def measure_reader(entries: int) -> list[Row]:
    """The figures of an API, measured in a process that has held nothing else."""
    command = [sys.executable, "-m", "bench.feed_reader", "--json", "--entries", str(entries)]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [Row(*figure) for figure in json.loads(result.stdout)]


def load(one: Served, entries: int) -> None:
    until = int(time.time()) + 3600
    with psycopg.connect(one.issuer.variables["DATABASE_URL"]) as connection:
        with connection.cursor() as cursor, cursor.copy(COPIED) as copy:
            for number in range(entries):
                copy.write(f"{key('jti', str(number)).hex()}\tjti\t0\t{until + number % 600}\n")
        connection.execute(WAITING)


def follow(one: Served) -> Reader:
    """Read the full state as a new reader does, and again while `more` is set."""
    reader = Reader(Over(one.url))
    while reader.poll() != 304:
        pass
    return reader


def fetch(one: Served) -> None:
    """A full read that only fetches: merging would hold up the thread that measures stalls, in this same process."""
    with requests.Session() as session:
        for digest, count in claims_of(session.get(one.url + FEED, timeout=60).text)["segments"]:
            assert len(session.get(f"{one.url}{FEED}/segments/{digest}", timeout=60).content) == 24 * count


def ratio_of_304(one: Served, tag: str, *, times: int = POLLS) -> float:
    """Return the cost of an unchanged poll, in units of a JWKS 304."""
    with requests.Session() as session:
        jwks = session.get(one.url + JWKS, timeout=60).headers["ETag"]

        def ask(path: str, known: str) -> None:
            answer = session.get(one.url + path, headers={"If-None-Match": known}, timeout=60)
            assert answer.status_code == 304, (path, answer.status_code)

        unit = one.cost(lambda: ask(JWKS, jwks), times=POLLS)
        return one.cost(lambda: ask(FEED, tag), times=times) / unit


def delta(one: Served, version: str) -> float:
    """Return the CPU milliseconds of publishing, packing and signing 100 new entries."""
    with requests.Session() as session, psycopg.connect(one.issuer.variables["DATABASE_URL"], autocommit=True) as base:
        spent = 0.0
        for number in range(ROUNDS):
            session.get(one.url + JWKS, timeout=60)  # it may read the keys again, which is not the feed's cost
            base.execute(ARRIVE, [[f"round-{number}-{n}" for n in range(100)]])
            before = one.cpu()
            claims = claims_of(session.get(one.url + FEED, params={"since": version}, timeout=60).text)
            spent += one.cpu() - before
            assert len(claims["entries"]) == 100 * 32, claims.keys()
            version = claims["version"]
    return spent * 1000 / ROUNDS


class Stalls:
    """Asks /healthz continuously, in a thread."""

    def __init__(self, url: str) -> None:
        self._url, self._ended, self._took = url, threading.Event(), [0.0]
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        with requests.Session() as session:
            while not self._ended.is_set():
                start = time.perf_counter()
                session.get(self._url + HEALTH, timeout=60)
                self._took.append(time.perf_counter() - start)

    def end(self) -> float:
        """Stop, and return the 99th percentile of the wait in seconds."""
        self._ended.set()
        self._thread.join()
        return sorted(self._took)[int(len(self._took) * 0.99)]


def beside_readers(one: Served, tag: str) -> float:
    """Return the median of token requests while 8 readers poll each second, as a multiple of that without readers."""
    alone = tokens(one)
    ended = threading.Event()

    def poll() -> None:
        reader = Reader(Over(one.url))
        while not ended.wait(1):
            if tag:  # the build before has no versions
                requests.get(one.url + FEED, timeout=60)
            else:
                reader.poll()

    threads = [threading.Thread(target=poll) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    if not tag:
        time.sleep(60)  # until their full reads are over
    try:
        return tokens(one) / alone
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def tokens(one: Served) -> float:
    form = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": "service"}
    took = []
    with requests.Session() as session:
        for _ in range(TOKENS):
            start = time.perf_counter()
            answer = session.post(one.url + TOKEN, form | {"client_secret": one.secret}, timeout=60)
            took.append(time.perf_counter() - start)
            assert answer.ok, answer.text
    return statistics.median(took)


def arriving(one: Served) -> float:
    """Return the longest time in seconds from a commit until a reader that polls continuously has the entry."""
    reader = follow(one)
    committed: dict[bytes, float] = {}
    seen: dict[bytes, float] = {}
    thread = threading.Thread(target=arrive, args=(one.issuer.variables["DATABASE_URL"], committed))
    start = time.time()
    thread.start()
    goes_on = True
    while goes_on:
        arriving_still, known = thread.is_alive(), len(reader.received)
        goes_on = reader.poll() != 304 or arriving_still
        seen |= dict.fromkeys(reader.received[known:], time.time())
    print(f"revocations arrived at {len(committed) / (max(committed.values()) - start):.0f} a second")
    return max(seen[entry] - at for entry, at in committed.items())


def arrive(database: str, committed: dict[bytes, float]) -> None:
    """Revoke ARRIVING tokens a second for ten seconds, ten in a transaction."""
    start = time.time()
    with psycopg.connect(database, autocommit=True) as connection:
        for number in range(ARRIVING):
            time.sleep(max(0.0, start + number * 10 / ARRIVING - time.time()))
            names = [f"arriving-{number}-{n}" for n in range(10)]
            connection.execute(ARRIVE, [names])
            committed |= {hashed(name): time.time() for name in names}


def hashed(name: str) -> bytes:
    """Return the key that ARRIVE makes of a name. PostgreSQL has no text with a zero byte."""
    return hashlib.sha256(f"jti\x01{name}".encode()).digest()[:16]


def purged(one: Served) -> list[Row]:
    """Return how fast ended entries are purged, and how many are left."""
    fill(
        one,
        "UPDATE tokens_revocation SET until = until - 7200",
        "UPDATE tokens_segment SET until = until - 7200",
        "UPDATE tokens_publication SET until = until - 7200, at = at - interval '1 day'",
        "VACUUM ANALYZE",
    )
    start = time.perf_counter()
    removed = json.loads(one.issuer.run("purge_tokens", "--json", "--batch", "10000"))["removed"]["revocations"]
    seconds = time.perf_counter() - start
    [(left,)] = one.issuer.rows(
        "SELECT (SELECT count(*) FROM tokens_revocation) + (SELECT count(*) FROM tokens_segment)"
    )
    return [
        Row("purge of 100,000 ended entries", seconds / removed * 100_000, 60, "s"),
        Row("entries and segments left after it", left, 0, "rows"),
    ]


def _cpu(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
