"""Database errors. The errors in OUTAGES are answered with 503, and the errors in BUGS with 500.

The tests of issuer and API share these tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import (
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connections,
)
from django.db.backends.signals import connection_created


def raised(
    kind: type[Error], sqlstate: str | None = None, reason: str | None = None, *, text: str = "password=hunter2"
) -> Error:
    """Return a database error of the class `kind` with the text `text`, as Django raises it.

    Its cause is an error of the driver with this SQLSTATE and this reason.
    """
    cause = Exception("server closed the connection: password=hunter2")
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    if reason:
        cause.reason = reason  # type: ignore[attr-defined]
    try:
        raise kind(text) from cause
    except Error as error:
        return error


OUTAGES = {
    "a read-only transaction": raised(InternalError, "25006"),
    "a transaction that stood still": raised(InternalError, "25P03"),
    "a transaction that took too long": raised(InternalError, "25P04"),
    "a connection that failed": raised(OperationalError, "08006"),
    "a protocol violation": raised(InternalError, "08P01"),
    "no connection is free": raised(OperationalError, "53300"),
    "the disk is full": raised(OperationalError, "53100"),
    "a statement was cancelled": raised(OperationalError, "57014"),
    "the server shuts down": raised(OperationalError, "57P01"),
    "a file of the server failed": raised(OperationalError, "58030"),
    "a lock was not had": raised(OperationalError, "55P03"),
    "a deadlock": raised(OperationalError, "40P01"),
    "the driver says why": raised(OperationalError, reason="the database did not answer in time"),
    "no answer at all": raised(OperationalError),
    "a connection that was closed": raised(InterfaceError),
    "SQLite is locked": OperationalError("database is locked"),
}
BUGS = {
    "a duplicate": raised(IntegrityError, "23505"),
    "no such table": raised(ProgrammingError, "42P01"),
    "an aborted transaction goes on": raised(InternalError, "25P02"),
    "an internal error": raised(InternalError, "XX000"),
    "a driver's error with a reason of another kind": raised(IntegrityError, reason="invalid start byte"),
    "not an error of the database": ValueError("25006"),
}


@contextmanager
def failing(error: Error, part: str, *, using: str = "default") -> Iterator[None]:
    """Make each statement with the text `part` raise `error` in the database `using`, until the `with` block ends.

    A database without a connection yet, such as the other database of a command, gets the errors once it connects.
    """

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if part in sql:
            raise error
        return execute(sql, params, many, context)

    def add(connection: Any, **_: Any) -> None:
        if connection.alias == using:
            connection.execute_wrappers.append(fail)

    connection_created.connect(add)
    try:
        if using in connections:
            with connections[using].execute_wrapper(fail):
                yield
        else:
            yield
    finally:
        connection_created.disconnect(add)
