"""Locks the registry (clients, secrets, APIs, scopes, policies), so that changes run one at a time.

- With every change, a trigger updates the version of the registry (tokens/triggers/registry_version.py). The version is
  one row, so changes wait for each other.
- A change locks its own rows before the row of the version. At the commit, PostgreSQL also locks the rows to which the
  foreign keys of the change refer. So no order of rows prevents a deadlock of two changes, as the example shows. Each
  change, and each deletion, first takes an advisory lock to prevent such a deadlock.
- A transaction that stays open blocks all changes, on every node. So a change waits for a lock at most WAIT.
- On PostgreSQL, the error message names the process that holds the lock. SQLite cannot name the process.

    delete a client      locks the client       waits for the version
    add a secret         locks the version      waits for the client, which its row names     deadlock
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, connection, transaction

from tokens.languages import sentence

LOCK = int.from_bytes(b"registry")
"""The key of the advisory lock. An advisory lock is valid within one database."""
WAIT = timedelta(seconds=2)
"""The longest wait for a lock.

It is shorter than ANSWER_WITHIN (3 s), so that the client gets RegistryLocked and not a timeout.
"""
# SQLSTATEs (PostgreSQL appendix A)
LOCK_NOT_AVAILABLE, DEADLOCK, ROW_IS_GONE = "55P03", "40P01", "23503"

HOLDER = """
SELECT a.pid, a.state, date_trunc('second', a.xact_start AT TIME ZONE 'UTC')::text
FROM pg_stat_activity a JOIN pg_locks l USING (pid) JOIN pg_class c ON c.oid = l.relation
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND l.granted
AND l.mode <> 'AccessShareLock' AND c.relname LIKE 'tokens\\_%%'
ORDER BY a.xact_start LIMIT 1
"""
"""Finds the oldest transaction that changes or locks rows of the issuer's tables. Reads block no change."""


class RegistryLocked(Exception):
    """Another transaction prevented the change, by a lock or by the deletion of a row. Nothing was changed.

    The message names the cause and the remedy.
    """


def lock() -> None:
    """Lock the registry until the transaction ends. Waits while another change of the registry runs.

    Call `lock` before any row of the registry is locked or written. A second call in the same transaction is harmless.
    On SQLite, does nothing, because SQLite has one writer at a time.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def deleted(name: object) -> RegistryLocked:
    """Return RegistryLocked for a row that another transaction deleted. `name` is the row's name in the message."""
    return RegistryLocked(
        sentence("{name} was deleted by another transaction; nothing was changed. Look at what is left.", name=name)
    )


@contextmanager
def change() -> Iterator[None]:
    """Run the block as a change of the registry, in one transaction that holds the lock of the registry.

    Raises RegistryLocked as `bounded_wait` does.
    """
    with bounded_wait():
        lock()
        yield


@contextmanager
def bounded_wait() -> Iterator[None]:
    """Run the block in one transaction that waits at most WAIT for a lock.

    Raises RegistryLocked if a lock was not available in time, if another transaction was in a deadlock with the block,
    or if another transaction deleted a row to which the block refers. Inside an outer transaction, raises Django's
    error instead.
    """
    # The outermost block translates the error, after its transaction was rolled back and released its locks.
    outermost = not connection.in_atomic_block
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    # LOCAL: the setting ends with the transaction, because connections are reused.
                    cursor.execute(f"SET LOCAL lock_timeout = '{int(WAIT.total_seconds() * 1000)}ms'")
            yield
    except Error as error:
        if outermost and (refusal := _refusal(error)):
            raise refusal from error
        raise


def _refusal(error: Error) -> RegistryLocked | None:
    """Translate a database error to RegistryLocked. Returns None if another transaction is not the cause."""
    state = getattr(error.__cause__, "sqlstate", None)
    # SQLite has no SQLSTATE, so the text of its error decides.
    if state == LOCK_NOT_AVAILABLE or "database is locked" in str(error):
        return RegistryLocked(_explanation())
    if state == DEADLOCK:  # with a transaction that is not of this program
        return RegistryLocked(
            sentence("another transaction was in a deadlock with this change; nothing was changed. Try again.")
        )
    return deleted(sentence("A row that the change names")) if state == ROW_IS_GONE else None


def _explanation() -> str:
    """Return the message for a lock that was not available in time: the cause and the remedy.

    On PostgreSQL, the message also names the process that holds the lock, if this process can be found.
    """
    if connection.vendor != "postgresql":
        return sentence(
            "another program holds the lock on the database; nothing was changed. Close that program, or"
            " wait until it finishes, then try again."
        )
    with connection.cursor() as cursor:
        cursor.execute(HOLDER, [])
        row = cursor.fetchone()
    cause = sentence(
        "another transaction has held a lock on the registry for {wait:g} s; nothing was changed.",
        wait=WAIT.total_seconds(),
    )
    if row is None:
        return sentence("{cause} Try again.", cause=cause)
    pid, state, since = row
    return sentence(
        "{cause} PostgreSQL process {pid} ({state}, in its transaction since {since} UTC) holds it. Wait until the"
        " process finishes, or end it with SELECT pg_terminate_backend({pid}), then try again.",
        cause=cause,
        pid=pid,
        state=state or sentence("of another role"),
        since=since,
    )
