"""Distinguishes outages of the database, which are answered with 503, from errors of this program.

- Django's exception classes do not distinguish outages and errors: a read-only database and a mistake in a statement
  raise the same class. The SQLSTATE distinguishes them (PostgreSQL appendix A).
- An OperationalError or InterfaceError without a listed SQLSTATE is an outage: no connection could be made.
- `resources/database_errors.py` implements the same rule, and `tests/database_errors.py` tests both modules.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, OperationalError, transaction

ANY = "the database cannot be reached"
STATES = {
    "25006": "the database is read-only",
    "25P03": "the database ended an idle transaction",
    "40001": "the transaction collided with another one",
    "40P01": "the transaction was in a deadlock with another one",
    "55P03": "a lock was not available in time",
}
CLASSES = {
    "08": "the connection to the database was lost",
    "53": "the database has no connection or other resource left",
    "57": "the database is shutting down, or cancelled the statement",
    "58": "the database's operating system reported an error",
}


def outage(error: BaseException) -> str | None:
    """Return the cause of an outage, for the log. Returns None if `error` is not an outage."""
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
    """Ignore an outage of the database in the block. For writes that can be lost without changing the answer.

    Inside a transaction, the error is raised.
    """
    # Every later statement of a failed transaction fails, too.
    try:
        yield
    except Error as error:
        if outage(error) is None or transaction.get_connection().in_atomic_block:
            raise
