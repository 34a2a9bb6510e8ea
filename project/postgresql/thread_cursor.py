"""A psycopg cursor that a thread keeps for all its statements. Django makes two new cursors for each statement."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self


class ThreadCursor:
    """A psycopg cursor that a thread keeps for all its statements on a connection. It is a context manager.

    - It is faster than Django's cursor, because Django makes two new cursors for each statement.
    - A `with` block may execute several statements. It must fetch the rows of each statement before it executes the
      next one. Do not nest `with` blocks of this cursor.
    - Statements pass through the connection's `execute_wrappers`, as with Django's cursor. One wrapper refuses the
      statements of an abandoned request (project/front/abandonment.py).
    """

    def __init__(self, db: Any) -> None:
        self._db = db
        self._connection: Any = None
        self._cursor: Any = None

    def __enter__(self) -> Self:
        """Run the checks of `DatabaseWrapper.require_usable`, and return this object as the cursor."""
        db = self._db
        db.require_usable()
        if self._connection is not db.connection:
            with db.wrap_database_errors:
                self._cursor, self._connection = db.create_cursor(), db.connection
        return self

    def __exit__(self, *error: object) -> None:
        """Translate psycopg's errors into those of Django."""
        self._db.wrap_database_errors.__exit__(*error)

    def execute(self, sql: str, values: Sequence[Any] | None = None) -> Any:
        """Execute a statement with parameters. Raises psycopg.Error, which `__exit__` translates for Django."""
        return self.pass_wrappers(self._execute, sql, values)

    def pass_wrappers(self, execute: Callable[..., Any], sql: str, values: Sequence[Any] | None = None) -> Any:
        """Call `execute` for a statement through the connection's `execute_wrappers`, and return the result."""
        for wrapper in reversed(self._db.execute_wrappers):
            execute = partial(wrapper, execute)
        return execute(sql, values, False, {"connection": self._db, "cursor": self})  # noqa: FBT003 (Django's signature)

    def _execute(self, sql: str, values: Any, *_context: object) -> Any:
        return self._cursor.execute(sql, values)

    def fetchone(self) -> Any:
        """Return the next row, or None if there are no more rows."""
        return self._cursor.fetchone()

    def fetchall(self) -> Any:
        """Return the remaining rows."""
        return self._cursor.fetchall()

    @property
    def rowcount(self) -> int:
        """Return the number of rows that the last statement read or changed."""
        return int(self._cursor.rowcount)

    def forget(self) -> None:
        """Delete the cursor, because it refers to a connection that the thread may not use any more."""
        self._cursor = self._connection = None
