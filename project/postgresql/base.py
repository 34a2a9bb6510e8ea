"""Django's PostgreSQL backend, whose connections have deadlines."""

import time
from typing import Any, cast

import psycopg
from django.db import ProgrammingError
from django.db.backends.postgresql import base
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper, debug_transaction
from psycopg.pq import TransactionStatus

from project.postgresql import driver, pool
from project.postgresql.budget import MAINTENANCE, Budget, at_most, current
from project.postgresql.circuit import circuits
from project.postgresql.connection import LOCK_SHARE, Connection
from project.postgresql.errors import DeadlinePassed
from project.postgresql.thread_cursor import ThreadCursor

UNBOUNDED = 5.0
"""Seconds for which a thread without a budget waits for a shared connection."""


class _Counted:
    """A cursor on a shared connection. The connection can return to its pool after all its cursors are closed."""

    db: "DatabaseWrapper"
    cursor: Any

    def close(self) -> None:
        """Close the cursor, and report that to its connection, which counts the open cursors."""
        try:
            self.cursor.close()
        finally:
            self.db.cursor_closed()

    def _execute(self, sql: Any, params: Any, *context: Any) -> Any:
        """Execute a statement. Give it less time if it commits itself.

        Outside of a transaction, each statement except a SELECT commits itself. Its time is the share LOCK_SHARE of
        `Budget.each`. Without a budget, its time is not bounded.
        """
        budget = current()
        if budget is None or self.db.in_atomic_block or str(sql).lstrip()[:6].upper() == "SELECT":
            return super()._execute(sql, params, *context)  # type: ignore[misc]
        # A statement that commits itself gets a shorter bound instead of a lock_timeout, which would have to be set for
        # the session.
        each = budget.each
        budget.each = LOCK_SHARE * each
        try:
            return super()._execute(sql, params, *context)  # type: ignore[misc]
        finally:
            budget.each = each


class _Cursor(_Counted, CursorWrapper):
    """Django's cursor on a shared connection."""


class _DebugCursor(_Counted, CursorDebugWrapper):
    """A cursor of Django on a shared connection. It logs each statement, as Django does if DEBUG is set."""


class DatabaseWrapper(base.DatabaseWrapper):
    """A thread's access to a database: its own connection, or a shared one that it takes from the pool when needed."""

    Database = driver

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pool: pool.Pool | None = None
        """The pool that `connection` belongs to, or None if the connection is not shared."""
        self._cursors = 0
        """The number of open cursors on a shared connection."""
        self._is_announced = False
        self._kept = ThreadCursor(self)

    def kept_cursor(self) -> Any:
        """Return a context manager that yields a cursor. The block can execute several statements, one after the other.

        The cursor is a new one of Django if Django logs statements, or if the connection is shared and no transaction
        is open. Otherwise, it is the cursor that this thread keeps (`thread_cursor`).
        """
        # A kept cursor is faster than a new one.
        # Django's cursor logs statements. On a shared connection, `_Counted` bounds those that commit themselves.
        is_shared = not self.in_atomic_block and pool.of(self.alias) is not None
        return self.cursor() if is_shared or self.queries_logged else self._kept

    def read_text(self, sql: str) -> str | None:
        """Execute `sql`, and return the first column of the first row as text.

        Returns None if there is no row, or if the value is NULL. `sql` must be a SELECT without parameters.
        """
        if self.queries_logged:
            with self.cursor() as cursor:
                cursor.execute(sql)
                row = cursor.fetchone()
            return None if row is None or row[0] is None else str(row[0])
        try:
            self.require_usable()
            with self.wrap_database_errors:
                result = self._kept.pass_wrappers(lambda statement, *_: self.connection.send(statement)[0], sql)
        finally:
            self._return_shared()
        value = result.get_value(0, 0) if result.ntuples else None
        return None if value is None else value.decode()

    def require_usable(self) -> None:
        """Connect if necessary, and run the same checks as Django runs before it uses a cursor."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        self.validate_thread_sharing()
        self.validate_no_broken_transaction()

    def ensure_connection(self) -> None:
        """Take a shared connection if the thread shares connections, else open one. Do nothing if there is one already.

        Raises Django's OperationalError, with NoConnection as its cause, if no shared connection becomes free in time.
        """
        if self.connection is None and (shared := pool.of(self.alias)) is not None:
            if self.in_atomic_block and self.closed_in_transaction:
                raise ProgrammingError("Cannot open a new connection in an atomic block.")
            with self.wrap_database_errors:
                self._take(shared)
            return
        super().ensure_connection()

    def _take(self, shared: pool.Pool) -> None:
        """Take a connection from the pool, or open one if `shared.take` returns None.

        A connection that is not fresh (`Connection.is_fresh`) is checked. If the check fails, the connection is closed
        and the next one is taken. Raises NotTried while the circuit is open. In this case, the idle connections stay in
        the pool.
        """
        if current():
            circuits.of(self.alias, "answers").require()
        while True:
            connection = self._waited_for(shared)
            if connection is None:
                self._open(shared)
                return
            self.connection, self._pool = connection, shared
            self.closed_in_transaction = self.errors_occurred = False
            self.autocommit = self.health_check_done = True
            if connection.is_fresh() or self.is_usable():
                break
            self.close()
        if not self._is_announced:  # receivers of the signal prepare this object, not the connection
            self._is_announced = True
            connection_created.send(sender=self.__class__, connection=self)

    def _waited_for(self, shared: pool.Pool) -> Connection | None:
        budget: Budget | None = current()
        if budget is None:
            return shared.take(UNBOUNDED)
        started = time.monotonic()
        try:
            return shared.take(budget.next)
        finally:
            budget.spend(time.monotonic() - started)

    def _open(self, shared: pool.Pool) -> None:
        """Open a new connection that belongs to the pool. If this fails, allow another thread to open one."""
        try:
            self.connect()
        except BaseException:
            self.close()
            shared.closed()
            raise
        self._pool, self._is_announced, self.connection.is_shared = shared, True, True

    def close(self) -> None:
        """Close the connection. If the connection was shared, allow another thread to open a new one."""
        self._kept.forget()
        super().close()
        if self._pool is not None and (self.connection is None or self.connection.closed):
            shared, self._pool, self._cursors = self._pool, None, 0
            shared.closed()

    def set_autocommit(self, *arguments: Any, **options: Any) -> None:
        """Switch autocommit off (begin a transaction) or on.

        Then return the shared connection to the pool, unless a transaction or a cursor still uses it.
        """
        try:
            super().set_autocommit(*arguments, **options)
        finally:
            self._return_shared()

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """Return Django's cursor. On a shared connection, count it as an open cursor."""
        if self._pool is None:
            return super().make_cursor(cursor)
        self._cursors += 1
        return _Cursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> CursorDebugWrapper:
        """Return Django's cursor that logs statements. On a shared connection, count it as an open cursor."""
        if self._pool is None:
            return super().make_debug_cursor(cursor)
        self._cursors += 1
        return _DebugCursor(cursor, self)

    def cursor_closed(self) -> None:
        """Count a closed cursor. Return the shared connection to the pool if no cursor or transaction needs it."""
        if self._cursors:
            self._cursors -= 1
        self._return_shared()

    def _return_shared(self) -> None:
        """Return the shared connection to the pool, unless a transaction or a cursor still uses it.

        Close it instead if a cancel request could still affect it, or if a transaction is open at the server.
        """
        connection, shared = self.connection, self._pool
        if shared is None or connection is None or self._cursors or self.in_atomic_block or not self.autocommit:
            return
        if connection.may_be_cancelled or connection.info.transaction_status != TransactionStatus.IDLE:
            self.close()
            return
        if self.errors_occurred:
            self.errors_occurred, connection.answered_at = False, float("-inf")  # the next thread checks it
        self._kept.forget()
        self.connection = self._pool = None
        shared.put(connection)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Open a connection within the budget. Raises NotTried while the circuit is open.

        Opens the circuit if the server does not answer in time.
        """
        answers, budget = circuits.of(self.alias, "answers"), current()
        had_time = budget is not None and budget.left > 0
        if budget:
            answers.require()
        try:
            connection = cast("Connection", super().get_new_connection(conn_params))
        except DeadlinePassed:
            if had_time:  # if no time was left, the failure says nothing about the server
                answers.failed()
            raise
        except psycopg.Error:
            answers.answered()
            raise
        connection.answers, connection.commits = answers, circuits.of(self.alias, "commits")
        connection.locks = circuits.of(self.alias, "locks")
        return connection

    def close_if_health_check_failed(self) -> None:
        """Check the connection at its first use in a request, and close it if the check fails.

        A connection on which the server answered less than FRESH seconds ago is not checked (`Connection.is_fresh`).
        While the circuit is open, raises Django's OperationalError, with NotTried as its cause. In this case, the
        connection is neither checked nor closed.
        """
        if current():
            with self.wrap_database_errors:
                circuits.of(self.alias, "answers").require()
        # The check is a round trip, which would take half of the time of a token request.
        if self.connection is not None and self.connection.is_fresh():
            self.health_check_done = True
        super().close_if_health_check_failed()

    def close_if_unusable_or_obsolete(self) -> None:
        """Return a shared connection to the pool. Close a connection of the thread's own if it cannot be used again.

        Django calls this method between two requests. After an error on the connection, first sends a query to check
        it, for at most MAINTENANCE seconds.
        """
        self._cursors = 0  # a cursor that was never closed must not keep the connection
        if self._pool is not None and not self.in_atomic_block:
            self._return_shared()
        if self.connection is not None and self.connection.may_be_cancelled:
            self.close()
        if not self.errors_occurred:  # then nothing is sent
            super().close_if_unusable_or_obsolete()
            return
        with at_most(MAINTENANCE):
            super().close_if_unusable_or_obsolete()

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction by an explicit BEGIN.

        If a backend has this method, Django calls it for an `atomic` block instead of switching autocommit off.
        """
        level = self._options.get("isolation_level")
        isolation = psycopg.IsolationLevel(level).name.replace("_", " ") if level is not None else ""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.begin(isolation)

    @property
    def _options(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.settings_dict["OPTIONS"])
