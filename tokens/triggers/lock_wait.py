"""Limits how long a migration waits for a lock."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython


def bound_lock_wait(seconds: int = 3) -> RunPython:
    """Return an operation that ends this migration if it waits longer than `seconds` for a lock (PostgreSQL only).

    It must be the first operation of the migration.
    """
    # A statement that waits for a lock makes every later request on the table wait behind it.

    def bound(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            local = "LOCAL " if editor.connection.in_atomic_block else ""  # without a transaction LOCAL has no effect
            editor.execute(f"SET {local}lock_timeout = '{seconds}s'", params=None)

    return RunPython(bound, bound)
