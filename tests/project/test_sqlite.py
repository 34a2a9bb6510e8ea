"""SQLite as this project uses it: a transaction takes the write lock when it begins, and waits if the lock is held."""

import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from project.settings import environment
from tests import prepared

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = 10


@pytest.fixture
def variables(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of an issuer with a SQLite file of its own, migrated and without keys."""
    prepared.databases(tmp_path_factory, tmp_path)
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "project.settings.issuer",
        "DEBUG": "true",
        "KEY_POLICY": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "KEY_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'issuer.sqlite3'}",
    }


def finish(process: "subprocess.Popen[str]") -> str:
    """Wait until a process ends, and return its output.

    The process is killed after two minutes, so that it does not disturb later tests.
    """
    with process:
        try:
            return process.communicate(timeout=120)[0]
        finally:
            process.kill()


def start(variables: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.processes
@pytest.mark.xdist_group("run")
def test_ten_runs_in_the_same_second_take_one_step(variables: dict[str, str], tmp_path: Path) -> None:
    runs = [start(variables, "rotate_keys") for _ in range(RUNS)]
    printed = [finish(run) for run in runs]
    assert [run.returncode for run in runs] == [0] * RUNS, printed
    assert sum(out.startswith("created") for out in printed) == 1
    assert sum(out.startswith("nothing due") for out in printed) == RUNS - 1
    with closing(sqlite3.connect(tmp_path / "issuer.sqlite3")) as file:
        assert file.execute("SELECT count(*) FROM tokens_signingkey").fetchone() == (2,)
        assert file.execute("SELECT count(*) FROM tokens_auditevent").fetchone() == (1,)


@pytest.fixture
def files_may_be_opened(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Allow access to databases, because these tests open database files of their own."""
    with django_db_blocker.unblock():
        yield


def connection(path: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> BaseDatabaseWrapper:
    """Return a connection to the file `file.sqlite3` in the folder `path`, with the issuer's database settings.

    `options` replace some of the connection options.
    """
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path / 'file.sqlite3'}")
    settings = environment.database("DATABASE_URL")
    settings["OPTIONS"] = {**settings["OPTIONS"], **options}  # type: ignore[dict-item]
    return ConnectionHandler({"default": settings})["default"]


@pytest.mark.usefixtures("files_may_be_opened")
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("busy_timeout", 30_000), ("recursive_triggers", 1), ("foreign_keys", 1), ("journal_mode", "wal")],
)
def test_a_connection_waits_replaces_nothing_and_lets_others_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pragma: str, value: object
) -> None:
    opened = connection(tmp_path, monkeypatch)
    with opened.cursor() as cursor:
        assert cursor.execute(f"PRAGMA {pragma}").fetchone() == (value,)
    opened.close()


@pytest.mark.usefixtures("files_may_be_opened")
def test_a_transaction_has_the_write_lock_from_its_first_moment_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second transaction cannot begin while the first one is open.

    If both could read at the same time, the second could base a decision on rows that the first one then changes.
    """
    first, second = connection(tmp_path, monkeypatch), connection(tmp_path, monkeypatch, timeout=0)
    with first.cursor():
        first.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    with pytest.raises(OperationalError, match="database is locked"), second.cursor():
        second.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    for opened in (first, second):
        opened.close()
