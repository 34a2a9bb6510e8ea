"""The revocation feed on PostgreSQL, served by two issuers.

No entry is lost, and a feed with a million entries is fast.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.services.conftest import Issuer, durable, migrated, mistakes, ready, serve
from tests.tokens.feed_reader import Reader, key

pytestmark = pytest.mark.services

FEED = "/oauth/revocations"
MILLION, SEGMENT = 1_000_000, 16_384
# Both halves of what revoke_token does, for a million at once.
COPIED = 'COPY tokens_revocation ("key", kind, issued_before, until) FROM STDIN'
WAITING = """
    INSERT INTO tokens_waitingentry (entry)
    SELECT uuid_send("key") || substring(int8send(until) FROM 5) || substring(int8send(issued_before) FROM 5)
    FROM tokens_revocation"""

# Each transaction holds its entry for a while before it commits: none commits in the order in which it wrote.
REVOKE = """
import random, threading, time
from django.db import connections, transaction
from tokens.keys import store
from tokens.issued import revocation_record

def revoke(first):
    chance = random.Random(first)
    for number in range(first, first + {each}):
        with transaction.atomic():
            revocation_record.revoke_token("t-%d" % number, expires_at=store.database_now())
            time.sleep(chance.random() / 20)
    connections.close_all()

threads = [threading.Thread(target=revoke, args=({first} + {each} * n,)) for n in range({threads})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
SHELL = ("shell", "-v", "0", "--no-imports", "-c")


@dataclass(frozen=True, slots=True)
class HttpBrowser:
    """An HTTP client with the method `get` that the class `Reader` needs.

    Other tests give `Reader` Django's test client.
    """

    url: str

    def get(self, path: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Any:
        answer = requests.get(f"{self.url}{path}", params=query, headers=headers, timeout=60)
        assert answer.status_code in {200, 304}, answer.text
        return SimpleNamespace(status_code=answer.status_code, content=answer.content)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two issuers on one database, with two worker processes each."""

    issuer: Issuer
    readers: tuple[HttpBrowser, HttpBrowser]
    children: list[processes.Child]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with migrated() as issuer, two(issuer, tmp_path) as started:
        yield started


@contextmanager
def two(issuer: Issuer, folder: Path) -> Iterator[Pair]:
    """Run two issuers with one URL and one database, as behind a proxy, while the block runs."""
    ports = [free(), free()]
    issuer = Issuer(issuer.variables | {"ISSUER_URL": f"http://localhost:{ports[0]}"})
    issuer.run("rotate_keys")
    logs = [folder / f"{port}.log" for port in ports]
    children = [
        serve(issuer, f"http://localhost:{port}", log, workers=2) for port, log in zip(ports, logs, strict=True)
    ]
    try:
        for child in children:
            ready(child)
        yield Pair(issuer, (HttpBrowser(children[0].url), HttpBrowser(children[1].url)), children)
    finally:
        processes.stop(children)
    assert mistakes(*logs) == []


def follow(pair: Pair, until: Callable[[], bool]) -> Reader:
    """Poll both issuers in turn until `until` returns True and a poll finds no new entry. Return the reader."""
    reader = Reader(pair.readers[0])
    number = 0
    while not until() or reader.poll() != 304:
        number += 1
        reader.browser = pair.readers[number % 2]
        reader.poll()
    return reader


def test_readers_get_each_of_400_concurrent_revocations_exactly_once(pair: Pair) -> None:
    """Three readers that poll both issuers get each revocation exactly once.

    Two processes with twenty threads each revoke the tokens at the same time.
    """
    runs = [pair.issuer.start(*SHELL, REVOKE.format(first=first, each=10, threads=20)) for first in (0, 200)]
    readers: list[Reader] = []
    threads = [
        threading.Thread(
            target=lambda: readers.append(follow(pair, lambda: all(run.poll() is not None for run in runs)))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    assert [(run.communicate(timeout=600)[1], run.returncode) for run in runs] == [("", 0)] * 2
    for thread in threads:
        thread.join(timeout=600)
    expected = {key("jti", f"t-{number}") for number in range(400)}
    for reader in readers:
        assert set(reader.held) == expected
        assert len(reader.received) == 400, "each came in one delta"
        assert reader.full_reads == 1
        assert len(reader.versions) > 3, "it got them bit by bit"
        assert reader.versions == sorted(reader.versions)
    published = pair.issuer.rows("SELECT count(DISTINCT version), sum(count), max(version) FROM tokens_publication")
    [(versions, entries, last)] = published
    assert (versions, entries) == (last + 1, 400)


def test_an_entry_committed_before_a_kill_is_published_by_another_process(pair: Pair) -> None:
    """A revocation is published even if one of the two issuers is killed before the feed is polled.

    The other issuer publishes it, because the revocation is in the database.
    """
    reader = Reader(pair.readers[1])
    reader.poll()
    killed = pair.children[0]
    pair.issuer.run(*SHELL, REVOKE.format(first=0, each=1, threads=1))
    os.killpg(killed.process.pid, signal.SIGKILL)
    killed.process.wait(timeout=60)
    reader.poll()
    assert set(reader.held) == {key("jti", "t-0")}


KILLED_BEFORE_COMMIT = """
import os, signal
from django.db import transaction
from tokens.keys import store
from tokens.revoking import feed_publisher

append = feed_publisher._append
def die(*values, **named):
    append(*values, **named)
    os.kill(os.getpid(), signal.SIGKILL)
feed_publisher._append = die
feed_publisher.publish(now=store.database_now())
"""


def test_a_publisher_killed_before_its_commit_publishes_nothing_and_blocks_no_other(pair: Pair) -> None:
    reader = Reader(pair.readers[0])
    reader.poll()
    pair.issuer.run(*SHELL, REVOKE.format(first=0, each=3, threads=1))
    run = pair.issuer.start(*SHELL, KILLED_BEFORE_COMMIT)
    run.communicate(timeout=600)
    assert run.returncode == -signal.SIGKILL
    [(before,)] = pair.issuer.rows("SELECT max(version) FROM tokens_publication")
    assert before == 0
    reader.poll()
    assert set(reader.held) == {key("jti", f"t-{number}") for number in range(3)}
    assert reader.versions[-1] == 1


def test_after_a_failover_that_lost_publications_a_reader_gets_the_full_state(pair: Pair) -> None:
    """A reader gets the full state if a failover of the database lost the last version of the feed.

    The issuer reuses the number of the lost version for other entries.
    """
    pair.issuer.run(*SHELL, REVOKE.format(first=0, each=1, threads=1))
    reader = Reader(pair.readers[0])
    reader.poll()
    lost = "DELETE FROM tokens_publication WHERE version = 1; UPDATE tokens_revocationlog SET version = 0, unsealed = 0"
    with psycopg.connect(pair.issuer.variables["DATABASE_URL"]) as connection:
        connection.execute(lost)
        connection.execute("DELETE FROM tokens_revocation")
    pair.issuer.run(*SHELL, REVOKE.format(first=1, each=1, threads=1))
    assert reader.poll() == 200
    assert set(reader.held) == {key("jti", "t-0"), key("jti", "t-1")}
    assert reader.full_reads == 2


def load(issuer: Issuer, entries: int) -> None:
    until = int(time.time()) + 3600
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as connection:
        with connection.cursor() as cursor, cursor.copy(COPIED) as copy:
            for number in range(entries):
                copy.write(f"{key('jti', str(number)).hex()}\tjti\t0\t{until + number % 600}\n")
        connection.execute(WAITING)


def test_a_million_entries_are_read_in_bounded_pieces_and_followed_by_deltas(pair: Pair) -> None:
    load(pair.issuer, MILLION)
    slowest = watch_health(pair.children[1].url)
    reader = Reader(pair.readers[0])
    while reader.poll() != 304:  # the first answers say that there is more
        assert reader.largest <= 1024 * 1024
    assert len(reader.held) == MILLION
    assert reader.held.keys() >= {key("jti", str(number)) for number in range(0, MILLION, 9973)}
    late = Reader(pair.readers[1])
    late.poll()
    assert len(late.held) == MILLION
    assert late.largest <= 1024 * 1024
    assert late.segments == MILLION // SEGMENT
    pair.issuer.run(*SHELL, REVOKE.format(first=0, each=10, threads=10))
    before = late.read
    late.poll()
    assert len(late.held) == MILLION + 100
    assert late.read - before < 10_000, "a delta costs what changed"
    assert slowest() < 10.0, "nothing holds the process for the time that a million entries take"


def watch_health(url: str) -> Callable[[], float]:
    """Request /healthz repeatedly in a thread. Return a function that stops the thread.

    The function returns the longest response time in seconds.
    """
    ended, took = threading.Event(), [0.0]

    def ask() -> None:
        while not ended.wait(0.05):
            start = time.perf_counter()
            requests.get(f"{url}/healthz", timeout=60)
            took.append(time.perf_counter() - start)

    thread = threading.Thread(target=ask)
    thread.start()

    def stop() -> float:
        ended.set()
        thread.join(timeout=600)
        return max(took)

    return stop


MANY = 70_000  # more than one call of `publish` takes
PUBLISH_ALL = """
from tokens.keys import store
from tokens.revoking import feed_publisher
feed_publisher.publish_all(now=store.database_now())
"""
PAGES_OF_THE_QUEUE = """
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT id FROM tokens_waitingentry ORDER BY id LIMIT 1"""


def test_a_poll_does_not_scan_index_entries_of_what_a_command_has_published(issuer: Issuer) -> None:
    issuer.run("rotate_keys")
    load(issuer, MANY)
    issuer.run(*SHELL, PUBLISH_ALL)
    assert issuer.rows("SELECT count(*), sum(count) FROM tokens_publication")[0][1] == MANY
    [([plan],)] = issuer.rows(PAGES_OF_THE_QUEUE)
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 10


USERS = """
from tokens.models import User
User.objects.bulk_create((User(username="u-%d" % n) for n in range(100_000)), batch_size=5000)
"""
LOG_OUT = """
from tokens.revoking import bulk as mass_revocation
from tokens.models import User
print(mass_revocation.end_sessions_and_tokens_in_batches(User.objects.exclude(username="u-7").only("pk"), "breach"))
"""


def test_a_mass_log_out_of_100_000_users_is_one_entry_or_one_for_each(pair: Pair) -> None:
    pair.issuer.run(*SHELL, USERS)
    reader = Reader(pair.readers[0])
    reader.poll()
    printed = json.loads(pair.issuer.run("revoke_tokens", "--all", "--yes", "--json"))
    assert printed["users"] == 100_000
    reader.poll()
    assert set(reader.held) == {key("iss", pair.issuer.variables["ISSUER_URL"])}
    out, err = pair.issuer.start(*SHELL, LOG_OUT).communicate(timeout=600)
    assert (out.strip(), err) == ("99999", "")
    while reader.poll() != 304:
        pass
    subjects = dict(pair.issuer.rows("SELECT username, sub FROM tokens_user WHERE username IN ('u-7', 'u-8')"))
    assert len(reader.held) == 100_000
    assert key("sub", str(subjects["u-8"])) in reader.held
    assert key("sub", str(subjects["u-7"])) not in reader.held


def test_the_issuer_warns_if_the_database_acknowledges_commits_that_a_crash_can_lose(issuer: Issuer) -> None:
    def check() -> str:
        process = issuer.start("check", "--database", "default", "--tag", "durability")
        return process.communicate(timeout=600)[1]

    with durable():
        assert "W310" not in check()
    name = issuer.variables["DATABASE_URL"].rpartition("/")[2]
    with psycopg.connect(issuer.variables["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert "(tokens.W310) PostgreSQL has synchronous_commit = off" in check()


BEFORE = """
INSERT INTO tokens_denial (kind, identifier, holder, issued_before, until) VALUES
    ('jti', 't-1', 'a b', NULL, now() + interval '1 hour'),
    ('sub', 'ada', '', '2030-01-01T00:00:01Z', '2030-01-01T01:00:00.5Z'),
    ('pair', 'my app ada', '', '2030-01-01T00:00:01Z', '2030-01-01T01:00:00Z')
"""


def test_revocations_of_earlier_versions_stay_revoked_after_the_migration(issuer: Issuer) -> None:
    issuer.run("migrate", "tokens", "0021", "--verbosity", "0")
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as connection:
        connection.execute(BEFORE)
    issuer.run("migrate", "--verbosity", "0")
    revocations = issuer.rows('SELECT kind, "key", issued_before, until FROM tokens_revocation')
    rows = {kind: (stored.bytes, before, until) for kind, stored, before, until in revocations}
    assert rows.keys() == {"jti", "sub", "client_sub"}
    assert rows["jti"][0] == key("jti", "t-1")
    assert rows["sub"] == (key("sub", "ada"), 1893456001, 1893459601)
    assert rows["client_sub"] == (key("client_sub", "my app\0ada"), 1893456001, 1893459600)
    assert issuer.rows("SELECT count(*) FROM tokens_waitingentry") == [(3,)]
