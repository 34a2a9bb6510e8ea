"""A cursor of psycopg that a thread uses for one statement after the other, instead of two new cursors for each."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self


class ThreadCursor:
    """A cursor of psycopg that a thread uses again for each statement on its connection, as a context manager.

    - Django makes two cursors for each statement, which takes as many calls as the statement.
    - The block may execute one statement after the other, and must fetch the rows of each before it executes the next.
      Do not nest blocks.
    - Statements pass the wrappers of the connection, as with Django's cursor. One of them refuses the statements of an
      abandoned request (project/front/abandonment.py).
    """

    def __init__(self, db: Any) -> None:
        self._db = db
        self._connection: Any = None
        self._cursor: Any = None

    def __enter__(self) -> Self:
        """Return the cursor, after the checks that Django makes when it makes and uses a cursor."""
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
        """Execute a statement with these values. Raises psycopg.Error, which the end of the block translates."""
        return self.pass_wrappers(self._execute, sql, values)

    def pass_wrappers(self, execute: Callable[..., Any], sql: str, values: Sequence[Any] | None = None) -> Any:
        """Call `execute` for a statement within the wrappers of the connection, and return its result."""
        for wrapper in reversed(self._db.execute_wrappers):
            execute = partial(wrapper, execute)
        return execute(sql, values, False, {"connection": self._db, "cursor": self})  # noqa: FBT003 (Django's signature)

    def _execute(self, sql: str, values: Any, *_context: object) -> Any:
        return self._cursor.execute(sql, values)

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone()

    def fetchall(self) -> Any:
        """Return the remaining rows."""
        return self._cursor.fetchall()

    @property
    def rowcount(self) -> int:
        """Return the number of rows that the last statement read or changed."""
        return int(self._cursor.rowcount)

    def forget(self) -> None:
        """Drop the cursor, which refers to its connection."""
        self._cursor = self._connection = None
