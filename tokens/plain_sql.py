"""Runs plain SQL on the default database, for statements that run in most requests.

The PostgreSQL backend of this project keeps a cursor open (project/postgresql). This is faster than Django's own way,
which makes two new cursors for each statement. With another backend, Django's cursor is used.
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
    """Return a context manager that yields a cursor.

    The caller must fetch all rows of a statement before it executes the next statement.
    """
    connection = backend()
    kept_cursor = getattr(connection, "kept_cursor", None)
    return cast("AbstractContextManager[Any]", connection.cursor() if kept_cursor is None else kept_cursor())


def conversions(columns: Sequence[Any]) -> list[tuple[int, Any]]:
    """Return the position and the expression of each column whose values the ORM would convert.

    `columns` are expressions of fields (`Field.get_col`). The result is the same for each connection of a process, so
    the caller can cache it. The caller passes the result to `converted`.
    """
    database = backend()
    return [
        (place, column)
        for place, column in enumerate(columns)
        if database.ops.get_db_converters(column) or column.get_db_converters(database)
    ]


def converted(row: Sequence[Any], conversions: Iterable[tuple[int, Any]]) -> list[Any]:
    """Convert the values of a row that plain SQL has read, as the ORM would convert them.

    `conversions` is the result of the function `conversions` for the columns of the row.
    """
    database, values = backend(), list(row)
    for place, column in conversions:
        for convert in [*database.ops.get_db_converters(column), *column.get_db_converters(database)]:
            values[place] = convert(values[place], column, database)
    return values
