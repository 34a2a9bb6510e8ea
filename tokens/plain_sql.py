"""Runs plain SQL on the default database, by the cursor that its backend keeps, if it keeps one (project/postgresql).

Statements that run in most requests use this module. Through Django's cursor, a statement takes twice as many calls.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def backend() -> BaseDatabaseWrapper:
    """Return this thread's connection to the default database."""
    # `django.db.connection` looks it up at each use of an attribute.
    return connections[DEFAULT_DB_ALIAS]


def cursor() -> AbstractContextManager[Any]:
    """Return a context manager that gives a cursor. Fetch the rows of a statement before you execute the next."""
    connection = backend()
    kept = getattr(connection, "kept_cursor", None)
    return cast("AbstractContextManager[Any]", connection.cursor() if kept is None else kept())


def conversions(columns: Sequence[Any]) -> list[tuple[int, Any]]:
    """Return the position and expression of each column whose values the backend or the field converts.

    `columns` are expressions of fields (`Field.get_col`). The result is the same for each connection of a process.
    """
    database = backend()
    return [
        (place, column)
        for place, column in enumerate(columns)
        if database.ops.get_db_converters(column) or column.get_db_converters(database)
    ]


def converted(row: Sequence[Any], conversions: Iterable[tuple[int, Any]]) -> list[Any]:
    """Return the values of a row as the ORM returns them. `conversions` are those of its columns."""
    database, values = backend(), list(row)
    for place, column in conversions:
        for convert in [*database.ops.get_db_converters(column), *column.get_db_converters(database)]:
            values[place] = convert(values[place], column, database)
    return values
