"""Distinguishes outages of the database, which are answered with 503, from other database errors, such as wrong SQL.

- Django's exception classes are not enough: a read-only database and a mistake in a statement can raise the same class.
  The SQLSTATE distinguishes them (PostgreSQL appendix A).
- An OperationalError or InterfaceError without a listed SQLSTATE is an outage, too. psycopg sets no SQLSTATE if it
  cannot connect.
- A command distinguishes errors that a later run can avoid (`interrupted`, `unavailable`) from a wrong DATABASE_URL.
- The full text of an error of PostgreSQL can contain a row, with hashes or sealed keys. `message` leaves the row out.
- `resources/database_errors.py` has the same rule for outages, and `tests/database_errors.py` tests both modules.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, OperationalError, transaction

ANY = "the database cannot be reached"
STATES = {
    "25006": "the database is read-only",
    "25P03": "the database ended an idle transaction",
    "25P04": "the database ended a transaction that took too long",
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
INTERRUPTIONS = frozenset({"55P03", "40P01", "40001", "57014", "25P03", "25P04"})
"""The SQLSTATEs of lock timeout, deadlock and serialization failure, and of the timeouts of a statement, an idle
transaction and a transaction."""
LOST_CONNECTION = "08"
"""The class of the SQLSTATEs of connection errors."""
NO_CONNECTION = frozenset({"53300", "57P01", "57P02", "57P03"})
"""The SQLSTATEs of too many connections, and of a server that shuts down, crashed, or starts."""
NO_CONNECTION_TEXTS = (
    "too many clients",
    "too many connections",
    "remaining connection slots",
    "the database system is ",
    "server closed the connection unexpectedly",
)
"""The texts of the errors in NO_CONNECTION.

psycopg sets no SQLSTATE if a connection fails, or if it ends without an answer.
"""


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


def interrupted(error: Error) -> bool:
    """Return True if another transaction or a time limit interrupted the statement."""
    if state := _state(error):
        return state in INTERRUPTIONS
    return "database is locked" in str(error)  # SQLite has no SQLSTATE. PostgreSQL's text can contain that of a row.


def unavailable(error: Error) -> bool:
    """Return True if the server ended the connection, or refuses new connections at the moment."""
    state = _state(error)
    if state:
        return state.startswith(LOST_CONNECTION) or state in NO_CONNECTION
    return isinstance(error, OperationalError) and any(text in str(error) for text in NO_CONNECTION_TEXTS)


def message(error: Exception) -> str:
    """Return the text of the error on one line.

    For an error of PostgreSQL, returns only the primary message, which does not show the row. It can still show the one
    value that PostgreSQL could not read. If a constraint refused a row, the name of the constraint is added.
    """
    diagnostics = getattr(error.__cause__, "diag", None)
    primary = getattr(diagnostics, "message_primary", None)
    if primary is None:
        return " ".join(str(error).split())
    name = getattr(diagnostics, "constraint_name", None)
    constraint = f" (constraint {name})" if name and name not in primary else ""
    return " ".join(primary.split()) + constraint


def _state(error: Error) -> str:
    """Return the SQLSTATE of the error, or "" if it has none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


@contextmanager
def unless_down() -> Iterator[None]:
    """Ignore an outage of the database in the block, but raise the error if a transaction is open.

    Use `unless_down` for writes whose loss does not change the answer to the client.
    """
    # Every later statement of a failed transaction fails, too.
    try:
        yield
    except Error as error:
        if outage(error) is None or transaction.get_connection().in_atomic_block:
            raise
