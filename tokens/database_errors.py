"""Tells outages of the database, which are answered by 503, from errors of this program, which stay errors.

Django's classes do not: a read-only database and a mistake in a statement have the same one. The SQLSTATE does
(PostgreSQL's appendix A). `resources/database_errors.py` follows the same rule; `tests/database_errors.py` drives both.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, OperationalError, transaction

ANY = "the database cannot be reached"
STATES = {
    "25006": "the database is read-only",
    "25P03": "the database ended a transaction that stood still",
    "40001": "the transaction collided with another one",
    "40P01": "the transaction was in a deadlock with another one",
    "55P03": "a lock was not available in time",
}
CLASSES = {
    "08": "the connection to the database was lost",
    "53": "the database has no connection or other resource left",
    "57": "the database shuts down, or ended the statement",
    "58": "the database's system failed",
}


def outage(error: BaseException) -> str | None:
    """Return what is wrong with the database, for the log. Returns None if `error` is not an outage."""
    if not isinstance(error, Error | InterfaceError):
        return None
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    reason = STATES.get(state) or CLASSES.get(state[:2])
    if reason is None and isinstance(error, OperationalError | InterfaceError):
        return str(getattr(cause, "reason", ANY) or ANY)
    return reason


@contextmanager
def unless_down() -> Iterator[None]:
    """Skip what the block writes if the database is down or read-only, for writes that must not fail a request.

    Raises the error inside a transaction, because the transaction's next statement would fail instead.
    """
    try:
        yield
    except Error as error:
        if outage(error) is None or transaction.get_connection().in_atomic_block:
            raise
