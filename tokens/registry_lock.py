"""Bounds how long a change of the registry (clients, secrets, APIs, scopes, policies) waits for other transactions.

- With every change, a trigger updates the version of the registry (tokens/triggers/registry_version.py). The version is
  one row, so changes wait for each other.
- A transaction that was left open therefore blocks all changes, on every node. So the wait is bounded.
- On PostgreSQL the error names the process that holds the lock. SQLite cannot tell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection, transaction

WAIT = timedelta(seconds=2)
"""Less than ANSWER_WITHIN (3 s), so that the client gets this error and not a timeout."""
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL appendix A

HOLDER = """
SELECT a.pid, a.state, date_trunc('second', a.xact_start AT TIME ZONE 'UTC')::text
FROM pg_stat_activity a JOIN pg_locks l USING (pid) JOIN pg_class c ON c.oid = l.relation
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND l.granted
AND l.mode <> 'AccessShareLock' AND c.relname LIKE 'tokens\\_%%'
ORDER BY a.xact_start LIMIT 1
"""
"""The oldest transaction that changes or locks rows of the issuer's tables. Reads block no change."""


class RegistryLocked(Exception):
    """Another transaction held a lock that the change needs for longer than WAIT; nothing was changed."""


@contextmanager
def change() -> Iterator[None]:
    """Run the block in one transaction that waits at most WAIT for a lock.

    Raises RegistryLocked if a lock was not available in time. Inside another transaction, OperationalError is raised.
    """
    # The outermost `change` translates the error, after its transaction was rolled back and released its locks.
    outermost = not connection.in_atomic_block
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    # LOCAL: the setting ends with the transaction, because connections are reused.
                    cursor.execute(f"SET LOCAL lock_timeout = '{int(WAIT.total_seconds() * 1000)}ms'")
            yield
    except OperationalError as error:
        if outermost and _is_lock_timeout(error):
            raise RegistryLocked(_explanation()) from error
        raise


def _is_lock_timeout(error: OperationalError) -> bool:
    """Return True if the error says that a lock was not available in time."""
    # SQLite has no SQLSTATE, so the text of its error decides.
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE or "database is locked" in str(error)


def _explanation() -> str:
    """Return the cause and the remedy, with the process that holds the lock if it still runs."""
    if connection.vendor != "postgresql":
        return (
            "another program holds the lock on the database; nothing was changed. Close that program, or wait until it"
            " finishes, then try again."
        )
    with connection.cursor() as cursor:
        cursor.execute(HOLDER, [])
        row = cursor.fetchone()
    cause = f"another transaction has held a lock on the registry for {WAIT.total_seconds():g} s; nothing was changed."
    if row is None:
        return f"{cause} Try again."
    pid, state, since = row
    return (
        f"{cause} PostgreSQL process {pid} ({state or 'of another role'}, in its transaction since {since} UTC) holds"
        f" it. Wait until the process finishes, or end it with SELECT pg_terminate_backend({pid}), then try again."
    )
