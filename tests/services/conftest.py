"""A PostgreSQL database of the test's own, migrated, and commands run in processes of their own."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from project.launch import processes

ROOT = Path(__file__).resolve().parent.parent.parent
SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer's environment on PostgreSQL."""

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
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        return out

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.variables["DATABASE_URL"]) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with migrated() as one:
        yield one


@pytest.fixture(scope="module")
def module_issuer() -> Iterator[Issuer]:
    """One database for tests of a module that change nothing in it."""
    with migrated() as one:
        yield one


@contextmanager
def migrated() -> Iterator[Issuer]:
    name = f"keyturn_{secrets.token_hex(6)}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            one = Issuer(
                {
                    "PATH": os.environ["PATH"],
                    "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
                    "DEBUG": "true",
                    "KEY_POLICY": "production",
                    "ANSWER_WITHIN": "20",  # a busy machine is no outage; tests of the bound set their own
                    "SECRET_KEY": secrets.token_urlsafe(48),
                    "KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
                    "DATABASE_URL": urlsplit(SERVER)._replace(path=f"/{name}").geturl(),
                }
            )
            one.run("migrate", "--verbosity", "0")
            yield one
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def serve(issuer: Issuer, url: str, log: Path, *, workers: int = 4) -> processes.Child:
    """Start the issuer, of so many processes, at a loopback URL."""
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


def wait_for(condition: Callable[[], bool], *, within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.1)
