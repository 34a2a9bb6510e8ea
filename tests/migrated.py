"""The SQLite databases of the tests: migrated once, kept in pytest's cache, and copied into each test process's memory.

- The file's name has a hash of what the schema depends on: the migrations, models and triggers of each app, and the
  versions of Django and SQLite. If one of these changes, a new database is made.
- `migrate` still runs on the copy. It finds nothing to apply.
"""

import fcntl
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django
import pytest
from django.apps import apps
from django.db.backends.sqlite3.creation import DatabaseCreation

SOURCES = ("migrations/*.py", "models.py", "models/**/*.py", "triggers/**/*.py")
"""In the folder of an app: what its tables, content types and permissions are made of."""
KEPT = 4
"""Files. Older ones are deleted: each is of a schema that is no longer in the tree, or of another branch."""


def fingerprint() -> str:
    """Return the hash of everything on which the schema depends."""
    made = hashlib.sha256(f"{django.VERSION} {sqlite3.sqlite_version}".encode())
    for app in apps.get_app_configs():
        made.update(app.label.encode())
        for path in sorted(source for pattern in SOURCES for source in Path(app.path).glob(pattern)):
            made.update(path.name.encode() + b"\0" + path.read_bytes())
    return made.hexdigest()


@contextmanager
def copied(config: pytest.Config) -> Iterator[None]:
    """Make test databases in memory begin as copies of a migrated database, while the block runs.

    The first process migrates a database and stores it in pytest's cache. Does nothing with `-p no:cacheprovider`.
    """
    cache = getattr(config, "cache", None)
    if cache is None:
        yield
        return
    create, folder, name = DatabaseCreation.create_test_db, cache.mkdir("migrated"), fingerprint()

    def create_copy(creation: DatabaseCreation, *arguments: Any, **options: Any) -> str:
        if not creation.is_in_memory_db(memory := creation._get_test_db_name()):
            return create(creation, *arguments, **options)
        file = folder / f"{name}-{creation.connection.alias}.sqlite3"
        with ExitStack() as stack:
            lock = stack.enter_context((folder / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)  # the other workers wait for the one that migrates
            if file.exists():
                # Open until Django's own connection is: a database in memory ends with its last connection.
                begun = stack.enter_context(closing(sqlite3.connect(memory, uri=True)))
                copy(file, begun)
                fcntl.flock(lock, fcntl.LOCK_UN)
                return create(creation, *arguments, **options)
            made = create(creation, *arguments, **options)
            keep(creation.connection.connection, file)
            return made

    with patch.object(DatabaseCreation, "create_test_db", create_copy):
        yield


def copy(file: Path, target: sqlite3.Connection) -> None:
    """Replace the content of the database `target` with the database in `file`."""
    with closing(sqlite3.connect(file)) as source:
        source.backup(target)


def keep(source: sqlite3.Connection, file: Path) -> None:
    """Write the database to `file`, completely or not at all. Delete the oldest database files."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as target:
        source.backup(target)
    draft.rename(file)
    others = sorted(file.parent.glob("*.sqlite3"), key=lambda stored: stored.stat().st_mtime, reverse=True)
    for old in others[2 * KEPT :]:
        old.unlink()
