"""Bounds how long a change of the registry (clients, secrets, APIs, scopes, policies) waits for other transactions.

- With every change a trigger updates the version in one row (tokens/triggers.py), so changes wait for each other.
- So a transaction that was left open blocks all of them, on every node. The wait is bounded.
- On PostgreSQL the error names the process that holds the lock. SQLite cannot tell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection, transaction

WAIT = timedelta(seconds=2)
"""Less than ANSWER_WITHIN (3 s)."""
LOCK_NOT_AVAILABLE = "55P03"

HOLDER = """
SELECT a.pid, a.state, date_trunc('second', a.xact_start AT TIME ZONE 'UTC')::text
FROM pg_stat_activity a JOIN pg_locks l USING (pid) JOIN pg_class c ON c.oid = l.relation
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND l.granted
AND l.mode <> 'AccessShareLock' AND c.relname LIKE 'tokens\\_%%'
ORDER BY a.xact_start LIMIT 1
"""
"""The oldest transaction that changes or locks rows of the issuer's tables."""


class RegistryLocked(Exception):
    """Another transaction held a lock that the change needs for longer than WAIT; nothing was changed."""


@contextmanager
def change() -> Iterator[None]:
    """Run the block in one transaction that waits at most WAIT for a lock. Raises RegistryLocked.

    Inside another transaction only the wait is bounded: the outermost `change` translates the error.
    """
    outermost = not connection.in_atomic_block
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{int(WAIT.total_seconds() * 1000)}ms'")
            yield
    except OperationalError as error:
        if outermost and _is_lock_timeout(error):
            raise RegistryLocked(_why()) from error
        raise


def _is_lock_timeout(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE or "database is locked" in str(error)


def _why() -> str:
    """Return the cause and the remedy. Names the process to end, if it still runs and this role may see it."""
    if connection.vendor != "postgresql":
        return (
            "another program holds the lock of the database; nothing was changed. Close it, or let it finish, then try"
            " again."
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
        f" one: let it finish, or end it with SELECT pg_terminate_backend({pid}), then try again."
    )
