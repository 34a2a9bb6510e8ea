"""Copies the whole database to an empty PostgreSQL: every table and the sequences.

1. The target has no table, or only the tables that `migrate` creates, without any user, client, API, signing key or
   audit event.
2. `migrate` creates the tables, in a process of its own whose DATABASE_URL is the target.
3. The source is locked against writes until the copy is done, so that no acknowledged write is lost.
4. The triggers of the target are switched off, so that they do not change the copied rows. The rows that `migrate`
   created are deleted. The rows of the source are copied with their primary keys.
5. The triggers are switched on again. Each sequence continues after the largest key. Steps 4 to 6 are one transaction.
6. Every row of every table is read from both databases and compared, and every signing key decrypts from the target.

The source is not changed.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DataError, Error, IntegrityError, connections, models, transaction

from tokens import conf, database_errors
from tokens.handover import other_database
from tokens.keys import store
from tokens.keys.errors import CannotOpen
from tokens.models import Api, AuditEvent, Client, Ring, SigningKey, User

TARGET = other_database.ALIAS
BATCH = 500
FOREIGN = {"django_migrations"}
"""Tables that `migrate` fills."""
Progress = Callable[[str], None]


class CannotMove(Exception):
    """The database cannot be moved. The message gives the reason. The source is unchanged."""


class _SourceFailed(Exception):
    """A wrapper for a database error of the source, so that `_target_errors` does not translate it."""

    def __init__(self, error: Error) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class MovedTables:
    """The result of a copy: the rows by table, the signing keys that decrypt in the target, and the tables left out."""

    rows: dict[str, int]
    keys: int
    left: list[str] = field(default_factory=list)
    """Tables of the source that belong to no installed app, and were not copied."""


def move(url: str, progress: Progress) -> MovedTables:
    """Copy the default database to the PostgreSQL at `url`. Return what was copied, and which tables were left out.

    Calls `progress` with a text before creating the tables and before comparing the rows. Raises CannotMove if the copy
    fails, CannotConnect if the target cannot be used, and Django's error if the source fails or if a lock or time limit
    interrupts the copy. After an error, the target has at most the tables and rows that `migrate` created.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        raise CannotMove("--to must be a URL such as postgres://user@host:5432/name")
    with other_database.connected(url):
        with other_database.translated():
            _require_empty()
        progress("creating the tables")
        _migrate(url)
        try:
            with transaction.atomic(using=DEFAULT_DB_ALIAS):
                _lock_source()
                with _target_errors(), transaction.atomic(using=TARGET):
                    rows = _copy(progress)
                    keys = _verified_keys()
        except _SourceFailed as failed:
            raise failed.error from failed.error.__cause__  # the cause has the SQLSTATE
        return MovedTables(rows, keys, _left())


@contextmanager
def _target_errors() -> Iterator[None]:
    """Raise CannotMove if the target refuses a row in the block. Translate other errors by `other_database.translated`.

    Does not translate _SourceFailed, which stands for an error of the source.
    """
    with other_database.translated():
        try:
            yield
        except (DataError, IntegrityError, ValueError) as error:
            raise CannotMove(f"a row cannot be stored in the target: {database_errors.message(error)}") from error


def tables() -> list[type[models.Model]]:
    """Return the models of all tables, including the tables of many-to-many relations."""
    by_table = {
        model._meta.db_table: model for model in apps.get_models(include_auto_created=True) if model._meta.managed
    }
    return [by_table[name] for name in sorted(by_table)]


def _require_empty() -> None:
    """Raise CannotMove unless the target is empty or has only the tables that `migrate` creates.

    The tables must contain no user, client, API, signing key or audit event.
    """
    present = set(connections[TARGET].introspection.table_names())
    if not present:
        return
    installed_tables = {model._meta.db_table for model in tables()} | FOREIGN
    if strange := present - installed_tables:
        raise CannotMove(f"the target is not empty: it has the table {min(strange)}. Create a new database")
    issuers: tuple[type[Any], ...] = (User, Client, Api, SigningKey, AuditEvent)
    for model in issuers:
        if model._meta.db_table in present and model.objects.using(TARGET).exists():
            raise CannotMove(f"the target is not empty: {model._meta.db_table} has rows. Create a new database")


def _migrate(url: str) -> None:
    """Run `manage.py migrate` for the database at `url`. Raises CannotMove if it fails."""
    # A process of its own: data migrations use the default database, which is the source here.
    variables = {name: value for name, value in os.environ.items() if name != "DATABASE_URL_FILE"}
    variables |= {"DATABASE_URL": url, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "django", "migrate", "--no-input", "--verbosity", "0"]
    done = subprocess.run(  # noqa: S603 (the words are ours)
        command, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotMove(f"migrate failed in the target: {done.stderr.strip()[-500:]}")


def _lock_source() -> None:
    """Lock the source until the transaction ends: other transactions can read, but not write."""
    connection = connections[DEFAULT_DB_ALIAS]
    names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in tables())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"LOCK TABLE {names} IN SHARE MODE")
        else:  # any write takes SQLite's only write lock
            cursor.execute("DELETE FROM django_migrations WHERE id IS NULL")


def _copy(progress: Progress) -> dict[str, int]:
    """Copy every table, and compare every row. Return the number of rows by table.

    Calls `progress` with a text before the comparison. Raises CannotMove if a row differs.
    """
    connection, table_models = connections[TARGET], tables()
    quoted = [connection.ops.quote_name(model._meta.db_table) for model in table_models]
    with connection.cursor() as cursor:
        for name in quoted:
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {', '.join(quoted)}")
        counts = {model._meta.db_table: _copy_table(model) for model in table_models}
        progress(f"copied {sum(counts.values())} rows of {len(counts)} tables; comparing them")
        # Checks the foreign keys now: a table with pending checks cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in quoted:
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
        for statement in connection.ops.sequence_reset_sql(no_style(), table_models):
            cursor.execute(statement)
    for model in table_models:
        _compare(model)
    return counts


def _rows(model: type[models.Model], using: str) -> Any:
    return model._base_manager.using(using).order_by("pk")  # noqa: SLF001 (Django's documented name)


def _read(rows: Any) -> Iterator[Any]:
    """Yield the rows of the query `rows` on the source. Raises _SourceFailed in place of a database error."""
    try:
        yield from rows.iterator(chunk_size=BATCH)
    except Error as error:
        raise _SourceFailed(error) from error


def _copy_table(model: type[models.Model]) -> int:
    fields, count = model._meta.concrete_fields, 0
    source = _read(_rows(model, DEFAULT_DB_ALIAS))
    while rows := list(islice(source, BATCH)):
        # raw: no field computes its value, such as the time of a change
        manager: Any = model._base_manager  # noqa: SLF001 (Django's documented name)
        manager.using(TARGET)._insert(rows, fields=fields, using=TARGET, raw=True)  # noqa: SLF001
        count += len(rows)
    return count


def _compare(model: type[models.Model]) -> None:
    names = [column.attname for column in model._meta.concrete_fields]
    source, target = (_rows(model, using).values_list(*names) for using in (DEFAULT_DB_ALIAS, TARGET))
    for before, after in zip_longest(_read(source), target.iterator(chunk_size=BATCH)):
        if before is None or after is None or list(map(_plain, before)) != list(map(_plain, after)):
            key = (before or after)[0]
            raise CannotMove(f"{model._meta.db_table} differs after the copy, at the row {key}")


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _verified_keys() -> int:
    """Decrypt the private half of each signing key in the target. Return the number of private halves.

    Raises CannotMove if a private half does not decrypt.
    """
    keys, count = conf.issuer().encryption_keys(), 0
    for ring in Ring.objects.using(TARGET):
        for stored in store.load(ring.name, using=TARGET):
            if stored.sealed is None:
                continue
            try:
                stored.secret(keys)
            except CannotOpen as error:
                raise CannotMove(f"a signing key does not decrypt: {error}") from error
            count += 1
    return count


def _left() -> list[str]:
    """Return the names of the tables in the source that belong to no installed app, and so are not copied."""
    installed_tables = {model._meta.db_table for model in tables()} | FOREIGN
    return sorted(set(connections[DEFAULT_DB_ALIAS].introspection.table_names()) - installed_tables)
