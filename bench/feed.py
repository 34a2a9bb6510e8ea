"""What the revocation feed costs, beside the build before it, in one run (`make bench-feed`).

Needs PostgreSQL (TEST_DATABASE_URL, or 127.0.0.1:5432). Starts an issuer of this build with so many live entries, and one
of an earlier commit with as many as that can carry, and prints each target with its figure and a verdict. CPU is that of
the issuer's processes, read from /proc; a machine that does other work as well makes times longer, and CPU hardly.
"""

import argparse
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
from functools import partial
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
"""A file of the build before: the commit that removed it is the change."""
TICK = os.sysconf("SC_CLK_TCK")
POLLS, TOKENS, READERS, ARRIVING = 600, 300, 8, 1000
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
import time
from threading import Thread
from django.db import connections
from tokens.keys import store
from tokens.oauth import revocation_record

def revoke(first, end):
    until = store.database_now()
    for number in range(first, end):
        revocation_record.revoke_token("arriving-%d" % number, expires_at=until)
        print(number, time.time(), flush=True)
    connections.close_all()

threads = [Thread(target=revoke, args=(n * 1000, n * 1000 + {each})) for n in range({threads})]
[one.start() for one in threads]
[one.join() for one in threads]
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A target, and what was measured."""

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
        """CPU seconds of its processes so far."""
        group = os.getpgid(self.child.process.pid)
        return sum(_cpu(int(name)) for name in os.listdir("/proc") if name.isdecimal() and _group(int(name)) == group)

    def cost(self, work: Callable[[], object], *, times: int = 1) -> float:
        """CPU milliseconds of the issuer for one run of `work`."""
        before = self.cpu()
        for _ in range(times):
            work()
        return (self.cpu() - before) * 1000 / times


def main() -> None:
    """Measure and print."""
    options = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with worktree(options.against, folder) as old:
            before = measure_before(old, folder, options.before_entries)
        rows = measure(folder, options.entries, before)
    print(f"\n{options.entries} live entries; before: {options.against[:10]} with {options.before_entries}")
    print("\n".join(map(str, rows)))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="live entries (%(default)s)")
    parser.add_argument("--before-entries", type=int, default=10_000, help="entries of the build before (%(default)s)")
    parser.add_argument("--against", default=change() + "^", help="the build before (%(default)s)")
    return parser.parse_args()


def change() -> str:
    """Return the commit that replaced the feed."""
    log = ["git", "log", "-1", "--format=%H", "--diff-filter=DR", "--", REPLACED]
    return subprocess.run(log, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit beside ours, with the same environment."""
    path = folder / "before"
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(path), commit], cwd=ROOT, check=True)
    try:
        yield path
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(path)], cwd=ROOT, check=True)


@contextmanager
def served(folder: Path, root: Path, *, workers: int = 1) -> Iterator[Served]:
    """An issuer of the build in `root`, on a database of its own."""
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
    """Let the tests' helpers start what is in `root`."""
    kept, services.ROOT = services.ROOT, root
    try:
        yield
    finally:
        services.ROOT = kept


def measure_before(root: Path, folder: Path, entries: int) -> dict[str, float]:
    """The figures of the build before, with as many entries as it can carry."""
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


def measure(folder: Path, entries: int, before: dict[str, float]) -> list[Row]:
    """The figures of this build, the issuer's."""
    with served(folder, ROOT) as one:
        load(one, entries)
        publishing = one.cost(lambda: follow(one)) / 1000
        fill(one, "VACUUM ANALYZE")
        version = follow(one).version
        rows = [
            Row("unchanged poll, in JWKS 304s (CPU)", ratio_of_304(one, f'W/"{version}"'), 2, "x", before["304"]),
            Row("delta of 100 entries (CPU)", delta(one, version), 5, "ms"),
        ]
        stalled = Stalls(one.url)
        full = one.cost(lambda: follow(one)) / 1000
        rows += [
            Row("full read (CPU)", full, 3, "s", before["full"]),
            Row("longest stall of another request by a full read", stalled.end() * 1000, 20, "ms"),
            Row("publishing all of it once (CPU)", publishing, 10, "s"),
            Row("token requests beside 8 readers (median)", beside_readers(one, ""), 1.2, "x", before["beside"]),
            Row("from commit to an answer, 1000 revocations a second", arriving(one), 1, "s"),
            *purged(one),
        ]
    return rows


def load(one: Served, entries: int) -> None:
    until = int(time.time()) + 3600
    with psycopg.connect(one.issuer.variables["DATABASE_URL"]) as connection:
        with connection.cursor() as cursor, cursor.copy(COPIED) as copy:
            for number in range(entries):
                copy.write(f"{key('jti', str(number)).hex()}\tjti\t0\t{until + number % 600}\n")
        connection.execute(WAITING)


def follow(one: Served) -> Reader:
    """A new reader's first full read, as often as it is told that there is more."""
    reader = Reader(Over(one.url))
    while reader.poll() != 304:
        pass
    return reader


def ratio_of_304(one: Served, tag: str, *, times: int = POLLS) -> float:
    """What an unchanged poll costs, in units of a JWKS 304."""
    with requests.Session() as session:
        jwks = session.get(one.url + JWKS, timeout=60).headers["ETag"]

        def ask(path: str, known: str) -> None:
            answer = session.get(one.url + path, headers={"If-None-Match": known}, timeout=60)
            assert answer.status_code == 304, (path, answer.status_code)

        unit = one.cost(lambda: ask(JWKS, jwks), times=POLLS)
        return one.cost(lambda: ask(FEED, tag), times=times) / unit


def delta(one: Served, version: str) -> float:
    """CPU milliseconds of publishing, packing and signing 100 new entries, in ten rounds."""
    costs = []
    for round_ in range(10):
        one.issuer.run(*SHELL, ARRIVE.format(threads=1, each=100).replace("arriving-", f"round-{round_}-"))
        answers: list[str] = []
        costs.append(one.cost(partial(ask, one, version, answers)))
        claims = claims_of(answers[0])
        assert len(claims["entries"]) == 100 * 32, claims.keys()
        version = claims["version"]
    return statistics.mean(costs)


def ask(one: Served, version: str, answers: list[str]) -> None:
    answers.append(requests.get(one.url + FEED, {"since": version}, timeout=60).text)


class Stalls:
    """Asks /healthz all the time, in a thread; the longest wait beyond the median is a stall."""

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
        """Stop; return the longest stall in seconds, but for the worst in a thousand, which are the machine's."""
        self._ended.set()
        self._thread.join()
        took = sorted(self._took)
        return took[int(len(took) * 0.999) - 1] - statistics.median(took)


def beside_readers(one: Served, tag: str) -> float:
    """The median of token requests while 8 readers poll each second, as a multiple of it alone."""
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
    """The longest time from a commit until a reader that polls all the time has the entry, in seconds."""
    reader = follow(one)
    run = one.issuer.start(*SHELL, ARRIVE.format(threads=8, each=1000))
    seen: dict[bytes, float] = {}
    lines: list[str] = []
    thread = threading.Thread(target=lambda: lines.extend(run.communicate()[0].splitlines()))
    thread.start()
    while thread.is_alive() or reader.poll() != 304:
        known = len(reader.received)
        reader.poll()
        seen |= dict.fromkeys(reader.received[known:], time.time())
    done = {key("jti", f"arriving-{number}"): float(at) for number, at in map(str.split, lines)}
    rate = len(done) / (max(done.values()) - min(done.values()))
    print(f"revocations arrived at {rate:.0f} a second")
    return max(seen.get(one_, time.time()) - at for one_, at in done.items())


def purged(one: Served) -> list[Row]:
    """How fast ended entries go, and what is left of them."""
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
