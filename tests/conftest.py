"""What every test gets."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db.backends.postgresql.base import DatabaseOperations as PostgreSQL
from django.db.backends.sqlite3.base import DatabaseOperations as SQLite
from hypothesis import settings
from whitenoise.middleware import WhiteNoiseMiddleware

from tests.clock import At, freezer
from tokens.audit.outages import unavailability
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.metadata import catalog

SERVICES = Path(__file__).parent / "services"

settings.register_profile("long", max_examples=100_000, deadline=None)  # pytest --hypothesis-profile=long …


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a service test elsewhere: `make test-services` collects `tests/services` alone."""
    stray = [item.nodeid for item in items if item.get_closest_marker("services") and SERVICES not in item.path.parents]
    assert not stray, f"move to {SERVICES}: {stray}"


@pytest.fixture
def at() -> Iterator[At]:
    """Freeze the clock that the edges read: `at(instant)` for the rest of the test, `with at(instant):` for a block."""
    with freezer() as freeze:
        yield freeze


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """No test sees another's rate limits, nor that a cache failed."""
    yield
    for cache in caches.all():
        cache.clear()
    rate_limit.circuits.clear()
    rate_limit.memory.clear()


@pytest.fixture(autouse=True)
def no_snapshot_of_signing_keys() -> Iterator[None]:
    """No test signs with another's keys."""
    for snapshots in (keyring.snapshots, catalog.snapshots):
        snapshots.forget()
    yield
    for snapshots in (keyring.snapshots, catalog.snapshots):
        snapshots.forget()


@pytest.fixture(autouse=True)
def no_line_about_503_was_written() -> None:
    """No test's line is suppressed because another test had one."""
    unavailability.forget()


@pytest.fixture(scope="session", autouse=True)
def static_files_are_listed_once() -> Iterator[None]:
    """List the static files once per process. Each test client builds the middleware, which reads 176 files' dates."""
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


@pytest.fixture(scope="session", autouse=True)
def tables_can_be_emptied_between_tests() -> Iterator[None]:
    """Triggers refuse to delete what is kept for ever; a transactional test's clean-up stands above them."""
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
