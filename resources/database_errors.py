"""Distinguishes outages of the database, which are answered with 503, from bugs, which become a 500.

Django's classes of errors do not distinguish a read-only database from a wrong statement. The SQLSTATE does
(PostgreSQL's appendix A). `tokens/database_errors.py` follows the same rule; `tests/database_errors.py` tests both.
"""

from django.db import Error, InterfaceError, OperationalError

ANY = "the database cannot be reached"
STATES = {
    "25006": "the database is read-only",
    "25P03": "the database ended a transaction that stood still",
    "25P04": "the database ended a transaction that took too long",
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
    """Return a text for the log that names the outage, such as "the database is read-only".

    Returns None if `error` is not an outage. A deadlock or a serialization failure also counts as an outage.
    """
    # The text of the error can contain data of the statement, so a fixed text is returned.
    if not isinstance(error, Error | InterfaceError):
        return None
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    reason = STATES.get(state) or CLASSES.get(state[:2])
    if reason is None and isinstance(error, OperationalError | InterfaceError):
        return str(getattr(cause, "reason", ANY) or ANY)
    return reason
