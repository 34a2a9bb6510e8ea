"""Limits how long a migration waits for a lock."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.statements import Statements


def bound_lock_wait(seconds: int = 3) -> Statements:
    """Return an operation that aborts the migration if a statement waits longer than `seconds` for a lock.

    It must be the first operation of the migration. It does nothing on SQLite.
    """
    # While a statement of a migration waits for a lock, every later statement on the table waits behind it.

    def bound(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            local = "LOCAL " if editor.connection.in_atomic_block else ""  # without a transaction LOCAL has no effect
            editor.execute(f"SET {local}lock_timeout = '{seconds}s'", params=None)

    return Statements(bound, bound)
