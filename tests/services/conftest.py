"""Fixtures: a migrated PostgreSQL database for each test, and commands that run in separate processes."""

import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_django

from project.launch import processes
from tests.services.cluster import Cluster, cluster
from tokens.settings.rate import RATE_LIMITS

ROOT = Path(__file__).resolve().parent.parent.parent
SERVER = os.environ.get("TEST_DATABASE_URL", "")
"""A PostgreSQL that the tests share. If empty, each pytest process starts one of its own."""
CONNECTIONS = 300
"""More than the issuers of one test open."""
UNLIMITED = ",".join(f"{name}=999999/999999999" for name in RATE_LIMITS)
"""No test crosses a rate limit, and none depends on where a window of time begins. Tests of limits set their own."""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND wait_event_type = 'Lock'
"""
"""How many connections wait for a lock."""
REVOKED_AHEAD = "SELECT count(*) FROM tokens_revocation WHERE issued_before > extract(epoch FROM now())"
"""How many revocations cover tokens that are issued now: until the next second the issuer answers 503."""


SLOWEST = (
    "test_revocation_proof",
    "test_postgresql_outages",
    "test_key_races",
    "test_clocks",
    "test_revocation_log",
    "test_key_kills",
    "test_after_restore",
    "test_redis_outage",
    "test_standstill",
)
"""Modules that run first, so that no pytest process is left alone with a long one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest modules first. The tests in each module stay in their random order."""
    rank = {name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@dataclass(frozen=True, slots=True)
class Issuer:
    """The environment variables of an issuer on PostgreSQL. The methods run commands of manage.py and SQL queries."""

    variables: dict[str, str]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
        return out

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.variables["DATABASE_URL"]) as connection:
            return connection.execute(query).fetchall()

    def wait_for_number(self, query: str, least: int, *, within: float = 300.0) -> None:
        """Wait until the number that the query returns is at least `least`. Fail after `within` seconds.

        The query is repeated every 20 ms on one connection, so that a state that lasts only a short time is seen.
        """
        with psycopg.connect(self.variables["DATABASE_URL"], autocommit=True) as connection:
            wait_for(lambda: connection.execute(query).fetchone()[0] >= least, within=within, pause=0.02)

    def revocations_are_past(self) -> None:
        """Wait until the issuer can issue tokens again.

        A revocation covers tokens of the current second, so in this second the issuer answers 503.
        """
        with psycopg.connect(self.variables["DATABASE_URL"], autocommit=True) as connection:
            wait_for(lambda: connection.execute(REVOKED_AHEAD).fetchone() == (0,), pause=0.05)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with migrated() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def module_issuer() -> Iterator[Issuer]:
    """Yield an issuer whose database all tests of a module share. The tests must not change the database."""
    with migrated() as issuer:
        yield issuer


@contextmanager
def migrated() -> Iterator[Issuer]:
    """Yield an issuer with a migrated database of its own, which is a copy of the database `template`."""
    with database(like=template(ROOT)) as url:
        yield Issuer(environment(url))


def environment(url: str) -> dict[str, str]:
    """Return an issuer's environment variables with new secrets, for the database at `url`."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
        "DEBUG": "true",
        "KEY_POLICY": "production",
        "ANSWER_WITHIN": "30",  # a busy machine is no outage; tests of the bound set their own
        "RATE_LIMITS": UNLIMITED,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "DATABASE_URL": url,
    }


@contextmanager
def database(*, like: str = "template1") -> Iterator[str]:
    """Create a copy of the database `like`, yield its URL, and drop it after the block."""
    name = f"keyturn_{secrets.token_hex(6)}"
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        try:
            yield urlsplit(server())._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


_session = ExitStack()
"""What ends with the pytest process: its PostgreSQL, and the database to copy."""


@cache
def own_server() -> Cluster:
    """Return the PostgreSQL server of this pytest process. The first call starts it.

    Each process has its own server, so no process uses up the connections of another.
    """
    return _session.enter_context(cluster(CONNECTIONS))


def server() -> str:
    """Return the URL of the PostgreSQL server on which the tests create databases."""
    return SERVER or own_server().address


@contextmanager
def durable() -> Iterator[None]:
    """Make the PostgreSQL server write each commit to disk while the block runs, so that a crash loses none.

    Otherwise, the server that the tests start reports a commit without writing it to disk (fsync=off).
    """
    with nullcontext() if SERVER else own_server().configured(fsync="on"):
        yield


@cache
def template(root: Path) -> str:
    """Return the name of the template, which is the PostgreSQL database that tests copy.

    The first call in a pytest process creates the database. It runs the migrations of the source tree in the folder
    `root`.
    """
    url = _session.enter_context(database())
    Issuer(environment(url) | {"RATE_LIMITS": ""}).run("migrate", "--verbosity", "0")  # an older build has fewer limits
    return urlsplit(url).path.lstrip("/")


@pytest.fixture(scope="session", autouse=True)
def session_ends() -> Iterator[None]:
    yield
    end_session()


def end_session() -> None:
    """Drop the template (the database that tests copy), and stop the PostgreSQL server of this process."""
    _session.close()
    for made in (template, own_server):
        made.cache_clear()


def serve(issuer: Issuer, url: str, log: Path, *, workers: int = 4) -> processes.Child:
    """Start the issuer with `workers` worker processes at the loopback URL `url`, and return its main process."""
    command = ["-m", "project.launch.serve", "--workers", str(workers), "--end-with-stdin", url.rpartition(":")[2]]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=issuer.variables,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return processes.Child("issuer", url, log, process)


RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d |\{|\[)", re.MULTILINE)
ANSWERED = "The database failed"
"""Logged with an error that was answered 503: on a busy machine PostgreSQL can be late."""


def mistakes(*logs: Path) -> list[str]:
    """Return the log records that contain a traceback, except those about a database failure that was answered 503."""
    records = [record for log in logs for record in RECORD.split(log.read_text(encoding="utf-8"))]
    return [record for record in records if "Traceback" in record and ANSWERED not in record]


STARTS_WITHIN = 180.0
"""Seconds that a process may take to start on a busy machine."""


def ready(child: processes.Child, path: str = "/readyz") -> None:
    """Wait until the server answers 200 at `path`. Raises processes.Failed if the server's process ends first."""
    processes.wait_until_ready(child, path, within=STARTS_WITHIN)


def wait_for(condition: Callable[[], bool], *, within: float = 300.0, pause: float = 0.1) -> None:
    """Wait until the condition is True. Fail after `within` seconds. Checks it every `pause` seconds.

    `within` is longer than a busy machine needs, because it should only end a test that hangs.
    """
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(pause)


@pytest.fixture
def real_databases(django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """Allow access to databases, because the connections of these tests do not use Django's test database."""
    with django_db_blocker.unblock():
        yield
