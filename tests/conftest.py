"""Fixtures and hooks that apply to every test."""

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import connections
from django.db.backends.postgresql.base import DatabaseOperations as PostgreSQL
from django.db.backends.sqlite3.base import DatabaseOperations as SQLite
from django.db.models.signals import post_migrate
from hypothesis import settings
from whitenoise.middleware import WhiteNoiseMiddleware

from tests import log_leaks, migrated
from tests.clock import At, freezer
from tests.process_marks import ProcessMarks
from tokens.audit.outages import unavailability
from tokens.keys import keyring
from tokens.limits import cache_circuit, rate_limit
from tokens.metadata import catalog
from tokens.models import RegistryVersion

SERVICES = Path(__file__).parent / "services"

settings.register_profile("long", max_examples=100_000, deadline=None)  # pytest --hypothesis-profile=long …


# Each process would rewrite and compile the assertions of 600 test modules again: 6 s of CPU.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config: pytest.Config) -> None:
    """Activate the search for leaks, which fails each test that logs a token, a secret or an e-mail address.

    Also fails each test that starts a process without a mark, and turns garbage collection off while pytest collects
    the tests.
    """
    config.pluginmanager.register(log_leaks, "log_leaks")
    config.pluginmanager.register(ProcessMarks(), "process_marks")
    post_migrate.connect(restore_registry_version, sender=apps.get_app_config("tokens"))
    gc.disable()


def restore_registry_version(using: str, **_: Any) -> None:
    """Insert the row with the registry version, if a test with real transactions has deleted all rows.

    A migration inserts this row. The registry has the clients, secrets and APIs.
    """
    if RegistryVersion._meta.db_table in connections[using].introspection.table_names():
        RegistryVersion.objects.using(using).get_or_create(pk=1, defaults={"value": "first"})


def pytest_collection_finish() -> None:
    """Turn garbage collection on again, except for the collected tests, which live as long as the process."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fail if a test with the mark `services` is not in tests/services.

    `make test-services` runs only that folder.
    """
    stray = [item.nodeid for item in items if item.get_closest_marker("services") and SERVICES not in item.path.parents]
    assert not stray, f"move to {SERVICES}: {stray}"


@pytest.hookimpl(optionalhook=True)  # xdist's
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Return the scheduler for `--dist loadgroup`, or None for any other `--dist`, so that xdist uses its own."""
    if config.getoption("dist") != "loadgroup":
        return None
    from tests.distribution import Scheduler  # noqa: PLC0415 (a process of xdist needs no scheduler)

    return Scheduler(config, log)


@pytest.fixture
def at() -> Iterator[At]:
    """Yield a function `at(instant)`, which freezes the clock that views, commands and the admin read.

    `at(instant)` freezes the clock for the rest of the test, `with at(instant):` for a block.
    """
    with freezer() as freeze:
        yield freeze


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Empty the caches after each test.

    So no test sees the rate limits or cache failures of another test.
    """
    yield
    for cache in caches.all():
        cache.clear()
    cache_circuit.circuits.clear()
    rate_limit.memory.clear()


@pytest.fixture(autouse=True)
def no_snapshot_of_signing_keys() -> Iterator[None]:
    """Drop this process's snapshots of signing keys around each test.

    So no test signs with the keys of another test.
    """
    for snapshots in (keyring.snapshots, catalog.snapshots):
        snapshots.forget()
    yield
    for snapshots in (keyring.snapshots, catalog.snapshots):
        snapshots.forget()


@pytest.fixture(autouse=True)
def no_line_about_503_was_written() -> None:
    """Forget which audit lines about 503 were written.

    Otherwise, a line of this test could be suppressed as a repetition of an earlier test's line.
    """
    unavailability.forget()


@pytest.fixture(autouse=True)
def no_poller_is_left_after_a_test() -> Iterator[None]:
    """Fail a test that leaves a thread that polls a revocation feed. The thread would log during other tests."""
    before = set(threading.enumerate())
    yield
    for thread in threading.enumerate():
        if thread.name == "resources-revocations" and thread not in before:
            # The thread holds its follower during a poll. A collection in this time would not find the follower.
            end = time.monotonic() + 30
            while thread.is_alive() and time.monotonic() < end:
                gc.collect()
                thread.join(0.1)
            assert not thread.is_alive(), "the follower of a revocation feed outlives the test's settings"


@pytest.fixture(scope="session", autouse=True)
def static_files_are_listed_once() -> Iterator[None]:
    """List the static files once per process.

    Each test client builds the middleware, which would otherwise read the dates of 176 files again.
    """
    listed: dict[object, dict[str, object]] = {}
    list_files = WhiteNoiseMiddleware.add_files_from_finders

    def list_once(self):
        key = self.static_prefix, self.max_age, self.allow_all_origins, tuple(django_settings.INSTALLED_APPS)
        if key not in listed:
            list_files(self)
            listed[key] = dict(self.files)
        self.files.update(listed[key])

    with patch.object(WhiteNoiseMiddleware, "add_files_from_finders", list_once):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, pytestconfig: pytest.Config
) -> Iterator[None]:
    """Let the test databases begin as copies of a migrated database.

    pytest-django requests this fixture before it makes the test databases.
    """
    with migrated.copied(pytestconfig):
        yield


@pytest.fixture(scope="session", autouse=True)
def tables_can_be_emptied_between_tests() -> Iterator[None]:
    """Remove or disable database triggers while Django empties the tables after a transactional test.

    Some triggers forbid deleting rows.
    """
    sqlite, postgresql = SQLite.sql_flush, PostgreSQL.sql_flush

    def sqlite_without_triggers(self, style, tables, **options):
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        flush = sqlite(self, style, tables, **options)
        return [*(f"DROP TRIGGER {name}" for name, _ in triggers), *flush, *(sql for _, sql in triggers)]

    def postgresql_without_triggers(self, style, tables, **options):
        flush = postgresql(self, style, tables, **options)
        off, on = (f"SET session_replication_role = '{role}'" for role in ("replica", "origin"))
        return [off, *flush, on]

    with (
        patch.object(SQLite, "sql_flush", sqlite_without_triggers),
        patch.object(PostgreSQL, "sql_flush", postgresql_without_triggers),
    ):
        yield
