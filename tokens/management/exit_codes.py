"""The exit codes of the commands, and the error that each code reports.

- `OperatorCommand.execute` translates the errors in TRANSLATED for every command, so a command handles only errors of
  its own, such as a malformed file.
- EXIT_CODES (commands on signing keys) and COMMON_CODES are texts for --help. A command whose exit codes have other
  meanings has a text of its own.
- The cause of a database error determines its code and message:

    cause                                           code      remedy in the message
    no such server, read-only, disk full            FAILED    the setting DATABASE_URL
    a migration is missing                          FAILED    run migrate
    lock timeout, deadlock, serialization failure   LOCKED    run the command again
    statement or transaction timeout                LOCKED    run the command again
    connection lost, server restarts or is full     LOCKED    run the command again
    a constraint or trigger refuses a change        UNSAFE    look at the rows
    a value does not fit its column                 USAGE     correct the value
"""

from django.db import DataError, Error, IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor

from tokens import database_errors
from tokens.encryption import MalformedEncryptionKey
from tokens.keys.errors import CannotOpen, KeyProblem, LockNotHad, UnknownKey, WrongRing
from tokens.registry_lock import RegistryLocked

FAILED, USAGE, UNSAFE, LOCKED, KEY_UNUSABLE = 1, 2, 3, 4, 5
EXIT_CODES = """
exit codes:
  0  done, or nothing is due
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such key or ring
  3  overdue, or refused because it would be unsafe
  4  the lock of the ring was held for 30 s, or the database interrupted the command or was busy: run it again
  5  a private key cannot be decrypted or failed its self-test: check KEY_ENCRYPTION_KEYS
"""
COMMON_CODES = """
exit codes:
  0  done
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage
  3  refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
  5  KEY_ENCRYPTION_KEYS is malformed, or a private key cannot be decrypted
"""
TRANSLATED = (KeyProblem, MalformedEncryptionKey, RegistryLocked, Error)


def refusal(error: Exception) -> tuple[int, str]:
    """Return the exit code and the message for an error in TRANSLATED. A database error has a message of one line."""
    if isinstance(error, Error):
        return _of_database(error)
    if isinstance(error, CannotOpen | MalformedEncryptionKey):
        return KEY_UNUSABLE, str(error)
    if isinstance(error, LockNotHad | RegistryLocked):
        return LOCKED, str(error)
    return USAGE if isinstance(error, UnknownKey | WrongRing) else UNSAFE, str(error)


def is_of_one_ring(error: Exception) -> bool:
    """Return True if the error can be specific to one key ring. A command then continues with the next ring.

    A database that cannot be used, for example, is an error for every ring.
    """
    return isinstance(error, KeyProblem | IntegrityError) or (
        isinstance(error, Error) and database_errors.interrupted(error)
    )


def _of_database(error: Error) -> tuple[int, str]:
    text = database_errors.message(error)
    if isinstance(error, IntegrityError):
        remedy = "Another process can have changed the same rows: look at them, then run the command again"
        return UNSAFE, f"the database refused the change: {text}. {remedy}"
    if isinstance(error, DataError):
        return USAGE, f"the database cannot store a value: {text}. Correct the value, then run the command again"
    if database_errors.interrupted(error):
        return LOCKED, f"another process or a time limit interrupted the command: {text}. Run the command again"
    if database_errors.unavailable(error):
        return LOCKED, f"the database is not available at the moment: {text}. Run the command again"
    if missing := _missing_migrations():
        return FAILED, f"the database lacks {missing} migrations: run manage.py migrate first"
    return FAILED, f"the database (DATABASE_URL) cannot be used: {text}"


def _missing_migrations() -> int:
    """Return the number of migrations that the database lacks. Returns 0 if the database cannot be read."""
    try:
        executor = MigrationExecutor(connection)
        return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error:
        return 0
