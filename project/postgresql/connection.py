"""psycopg's connection with deadlines: a late statement is cancelled, and the server refuses a late COMMIT.

It uses public names of psycopg only, and relies on one detail: every method waits by `Connection.wait`.
"""

import select
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.errors import Diagnostic, DivisionByZero
from psycopg.pq import TransactionStatus
from psycopg.rows import RowFactory, tuple_row

from project.postgresql import attempt
from project.postgresql.budget import Budget, current
from project.postgresql.circuit import ServerCircuit
from project.postgresql.errors import DeadlinePassed, NotReplicated

T = TypeVar("T")

CANCEL = 0.3
"""Seconds for the cancel of a statement to reach the server, and again for the statement to end after it."""
CANCEL_LIVES = 30.0
"""Seconds after which an unanswered cancel is given up, on its own thread.

PgBouncer 1.18 exits (FATAL, "bad client state") if a client closes a cancel that PgBouncer is still passing on. It
drops a cancel by itself after 10 s (cancel_wait_timeout).
"""
FRESH = 1.0
"""Seconds after an answer of the server for which a connection needs no health check, unless the server ends it."""
BOUNDS = {"lock_timeout": 1.0, "statement_timeout": 2.5, "idle_in_transaction_session_timeout": 5.0}
"""Limits that the server enforces if the client has disappeared or is suspended, as multiples of `Budget.each`."""
COMMIT = """\
SELECT 1 / (clock_timestamp() - transaction_timestamp() <= interval '{milliseconds} milliseconds')::int; COMMIT"""
"""Both go in one message: if the first fails, the server skips the second.

It compares two readings of the server's clock, because this node's clock can differ. A database function could raise a
clearer error, but would need a migration, which an API's database does not have."""


class _Late(Exception):
    """A statement did not end in time."""


class Connection(psycopg.Connection[Any]):
    """A connection that subtracts its waits from the current budget."""

    def __init__(self, pgconn: psycopg.pq.abc.PGconn, row_factory: RowFactory[Any] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self.answers, self.commits = ServerCircuit(), ServerCircuit()
        self.began: float | None = None
        """The instant of the answer to BEGIN (monotonic clock), or None outside of a transaction that `begin` began."""
        self.answered_at = time.monotonic()
        """The instant of the server's last answer (monotonic clock)."""
        self.may_be_cancelled = False
        """True if an unanswered cancel could hit a later statement on this connection."""
        self._unreplicated: list[str] = []
        self.add_notice_handler(_collect(self._unreplicated))

    def begin(self, isolation: str = "") -> None:
        """Begin a transaction. If there is a budget, set limits for it at the server."""
        begin = f"BEGIN ISOLATION LEVEL {isolation}" if isolation else "BEGIN"
        self.execute("; ".join([begin, *_bounds(current())]))
        self.began = time.monotonic()

    def commit(self) -> None:
        """Commit. Raises DeadlinePassed after the deadline, NotReplicated, and NotTried if the circuit is open."""
        budget, began = current(), self.began
        self.began = None
        if budget is None or began is None or self.info.transaction_status != TransactionStatus.INTRANS:
            super().commit()
            return
        self.commits.require()
        try:
            self.execute(COMMIT.format(milliseconds=_allowed(budget, began)))
        except DivisionByZero as error:
            raise DeadlinePassed(DeadlinePassed.reason) from error
        except NotReplicated:
            self.commits.failed()
            raise
        self.commits.answered()

    def rollback(self) -> None:
        """Roll back. Even without time left, this can take CANCEL seconds."""
        if budget := current():
            budget.left = max(budget.left, CANCEL)
        super().rollback()

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Run psycopg's generator to its end, within the budget.

        Raises DeadlinePassed if the server does not answer in time, NotTried if the circuit is open, NotReplicated.
        """
        self._unreplicated.clear()
        budget = current()
        result = super().wait(gen, *args, **kwargs) if budget is None else self._wait_within(budget, gen)
        self.answered_at = time.monotonic()
        if self._unreplicated:
            raise NotReplicated(self._unreplicated[0])
        return result

    def is_fresh(self) -> bool:
        """Return True if the server answered within FRESH, and has not ended the connection since. Asks nothing."""
        if self.closed or time.monotonic() - self.answered_at > FRESH:
            return False
        # A server that stops, or ends one connection, sends that at once. Between statements it sends nothing else,
        # except a changed setting or a notice, after which the connection is checked.
        unread = select.poll()
        unread.register(self.fileno(), select.POLLIN)
        return not unread.poll(0)

    def _wait_within(self, budget: Budget, gen: Generator[Any, Any, T]) -> T:
        self.answers.require()
        started = time.monotonic()
        try:
            result = super().wait(_until(started + budget.next, gen))
        except _Late:
            result = self._cancel(gen)
        finally:
            budget.spend(time.monotonic() - started)
        self.answers.answered()
        return result

    def _cancel(self, gen: Generator[Any, Any, T]) -> T:
        """Cancel the statement, and close a connection that hangs.

        Returns the statement's result if it ended first; else raises DeadlinePassed.
        """
        try:
            attempt.within(CANCEL, lambda: self.cancel_safe(timeout=CANCEL_LIVES))
        except psycopg.Error:
            self.may_be_cancelled = True
        try:
            return super().wait(_until(time.monotonic() + CANCEL, gen, resumed=True))
        except psycopg.errors.QueryCanceled as error:
            self.answers.answered()
            raise DeadlinePassed(DeadlinePassed.reason) from error
        except _Late:
            self.close()
            self.answers.failed()
            raise DeadlinePassed(DeadlinePassed.reason) from None


def _until(instant: float, gen: Generator[Any, Any, T], *, resumed: bool = False) -> Generator[Any, Any, T]:
    """Yield the waits of `gen`. Raises _Late after `instant` (monotonic clock); `gen` can then be resumed."""
    try:
        wait = gen.send(0) if resumed else next(gen)
        while True:
            ready = yield wait
            wait = gen.send(ready)
            if time.monotonic() >= instant:
                raise _Late
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _bounds(budget: Budget | None) -> list[str]:
    """Return the statements that bound a transaction at the server. They are local to it, as PgBouncer requires."""
    if budget is None:
        return []
    return [f"SET LOCAL {name} = {int(factor * budget.each * 1000)}" for name, factor in BOUNDS.items()]


def _allowed(budget: Budget, began: float) -> int:
    """Return the milliseconds after BEGIN until which the server may commit. Raises DeadlinePassed if they are over."""
    now = time.monotonic()
    until = min(now + budget.next, budget.ends)
    if until <= now:
        raise DeadlinePassed(DeadlinePassed.reason)
    return int((until - began) * 1000)


def _collect(unreplicated: list[str]) -> Any:
    """Return a notice handler that appends the server's warning if a commit did not wait for a standby to the end."""
    # It refers to the list and not to the connection, because a reference cycle would keep the connection alive.

    def handle(notice: Diagnostic) -> None:
        # unlike the message (lc_messages), the name of the function is not translated
        if notice.source_function == "SyncRepWaitForLSN" or "synchronous replication" in (notice.message_primary or ""):
            unreplicated.append(notice.message_primary or NotReplicated.reason)

    return handle
