"""Indexes for the lists of the admin, on PostgreSQL only: prefixes in any collation, and small parts of a table.

SQLite serves a developer's machine, and drops an index that is not in a model's state when it rebuilds the table.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython


def index_concurrently(name: str, *, table: str, columns: str, where: str = "") -> RunPython:
    """Return an operation that creates an index without blocking writes. Its migration needs `atomic = False`.

    `columns` is the list in SQL, with operator classes. An invalid index of an interrupted run is replaced.
    """
    condition = f" WHERE {where}" if where else ""

    def drop(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", params=None)

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            drop(apps, editor)
            statement = f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns}){condition}"
            editor.execute(statement, params=None)

    return RunPython(create, drop)
