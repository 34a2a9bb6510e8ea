"""psycopg's connection with deadlines: a late statement is cancelled, and the server refuses a late COMMIT.

The class uses only public names of psycopg. It relies on two details: every method waits by `Connection.wait`, and
`psycopg.generators.execute` returns the results of the statements that `pgconn.send_query` has sent.
"""

import select
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.errors import Diagnostic, DivisionByZero, LockNotAvailable, error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import RowFactory, tuple_row

from project.postgresql import attempt
from project.postgresql.budget import Budget, current
from project.postgresql.circuit import LockCircuit, ServerCircuit
from project.postgresql.errors import DeadlinePassed, NotReplicated, NotTried

T = TypeVar("T")

CANCEL = 0.3
"""Seconds allowed for a cancel request to reach the server, and as many again for the cancelled statement to end."""
CANCEL_TIMEOUT = 30.0
"""Seconds after which a cancel request without an answer is closed. It waits on its own thread.

PgBouncer 1.18 exits (FATAL, "bad client state") if a client closes a cancel request that PgBouncer is still passing on.
PgBouncer drops a cancel request by itself after 10 s (cancel_wait_timeout).
"""
FRESH = 1.0
"""Seconds after an answer of the server for which a connection needs no health check, unless the server ended it."""
BOUNDS = {"lock_timeout": 1.0, "statement_timeout": 2.5, "idle_in_transaction_session_timeout": 5.0}
"""Limits that the server enforces if the client has disappeared or is suspended, as multiples of `Budget.each`."""
LOCK_SHARE = 0.25
"""The share of `Budget.each` for which a statement on a shared connection waits for a lock."""
COMMIT_SHARE = 0.5
"""The share of `Budget.each` for which a shared connection waits for a COMMIT, so that others can still read."""
CROWDED = 0.02
"""Seconds for which a shared connection waits for a lock, while the circuit for locks is open."""
COMMIT = """\
SELECT 1 / (clock_timestamp() - transaction_timestamp() <= interval '{milliseconds} milliseconds')::int; COMMIT"""
"""Both statements are sent in one message. If the first fails, the server skips the second.

The first statement compares two readings of the server's clock, because this node's clock can differ. A database
function could raise a clearer error, but would need a migration, which an API's database does not have."""


class _Late(Exception):
    """A statement did not end in time."""


class Connection(psycopg.Connection[Any]):
    """A psycopg connection that waits only as long as the current budget permits.

    The duration of each wait is subtracted from the budget (`budget.current`). Without a budget, waits are not bounded.
    """

    def __init__(self, pgconn: psycopg.pq.abc.PGconn, row_factory: RowFactory[Any] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self.answers, self.commits = ServerCircuit(), ServerCircuit()
        self.locks: ServerCircuit = LockCircuit()
        self.is_shared = False
        """True if several threads use the connection in turn (`pool`)."""
        self.opened_at = time.monotonic()
        self.began: float | None = None
        """The instant of the answer to BEGIN (monotonic clock), or None outside of a transaction of `begin`."""
        self.answered_at = time.monotonic()
        """The instant of the server's last answer (monotonic clock)."""
        self.may_be_cancelled = False
        """True if an unanswered cancel request can still cancel a later statement on this connection."""
        self._unreplicated: list[str] = []
        self.add_notice_handler(_collect(self._unreplicated))

    def send(self, sql: str) -> list[PGresult]:
        """Execute statements without parameters in one message, and return the result of each statement.

        The connection must be in autocommit mode, as all connections of Django are. Raises psycopg.Error.
        """
        # A cursor of psycopg makes three times as many calls.
        with self.lock:
            return self.wait(_sent(self.pgconn, sql.encode()))

    def begin(self, isolation: str = "") -> None:
        """Begin a transaction. If a budget bounds waits, also set time limits for the transaction at the server."""
        begin = f"BEGIN ISOLATION LEVEL {isolation}" if isolation else "BEGIN"
        self.send("; ".join([begin, *_bounds(budget := current()), *self._lock_bound(budget)]))
        self.began = time.monotonic()

    def commit(self) -> None:
        """Commit the transaction.

        Raises DeadlinePassed after the deadline, NotReplicated if no standby acknowledged the commit, and NotTried if a
        circuit is open.
        """
        budget, began = current(), self.began
        self.began = None
        if budget is None or began is None or self.info.transaction_status != TransactionStatus.INTRANS:
            super().commit()
            return
        self.commits.require()
        each = budget.each
        if self.is_shared:
            budget.each = COMMIT_SHARE * each
        try:
            self.send(COMMIT.format(milliseconds=_allowed(budget, began)))
        except DivisionByZero as error:
            raise DeadlinePassed(DeadlinePassed.reason) from error
        except NotReplicated:
            self.commits.failed()
            raise
        finally:
            budget.each = each
        self.commits.answered()

    def lock_wait(self, budget: Budget) -> float:
        """Return the seconds for which a statement of this request may wait for a lock.

        The limit is CROWDED while the circuit for locks is open, else the share LOCK_SHARE of `Budget.each`. The
        circuit is open for a second after a wait for a lock has failed.
        """
        try:
            self.locks.require()
        except NotTried:
            return CROWDED
        return LOCK_SHARE * budget.each

    def _lock_bound(self, budget: Budget | None) -> list[str]:
        if budget is None or not self.is_shared:
            return []
        return [f"SET LOCAL lock_timeout = {int(self.lock_wait(budget) * 1000)}"]

    def rollback(self) -> None:
        """Roll back. If the budget has less than CANCEL seconds left, the rollback gets CANCEL seconds."""
        if budget := current():
            budget.left = max(budget.left, CANCEL)
        super().rollback()

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Run psycopg's generator to its end within the budget, and return its result.

        Raises DeadlinePassed if the server does not answer in time, NotTried if the circuit is open, and NotReplicated
        if no standby acknowledged a commit.
        """
        self._unreplicated.clear()
        budget = current()
        result = super().wait(gen, *args, **kwargs) if budget is None else self._wait_within(budget, gen)
        self.answered_at = time.monotonic()
        if self._unreplicated:
            raise NotReplicated(self._unreplicated[0])
        return result

    def is_fresh(self) -> bool:
        """Return True if the server answered in the last FRESH seconds, and has not ended the connection since.

        Sends nothing to the server.
        """
        if self.closed or time.monotonic() - self.answered_at > FRESH:
            return False
        # A server that stops, or ends one connection, sends a message at once. Between statements it sends nothing
        # else, except a changed setting or a notice, after which the connection is checked.
        unread = select.poll()
        unread.register(self.fileno(), select.POLLIN)
        return not unread.poll(0)

    def _wait_within(self, budget: Budget, gen: Generator[Any, Any, T]) -> T:
        """Run the generator within the budget, subtract the wait from the budget, and report the outcome to a circuit.

        Raises NotTried if the circuit is open, and DeadlinePassed if the server does not answer in time.
        """
        self.answers.require()
        started = time.monotonic()
        try:
            result = super().wait(_until(started + budget.next, gen))
        except _Late:
            result = self._cancel(gen)
        except LockNotAvailable:
            if time.monotonic() - started > CROWDED:  # otherwise it was a statement with NOWAIT
                self.locks.failed()
            raise
        finally:
            budget.spend(time.monotonic() - started)
        self.answers.answered()
        return result

    def _cancel(self, gen: Generator[Any, Any, T]) -> T:
        """Cancel the statement. Close the connection if the statement does not end within CANCEL seconds.

        Returns the result if the statement ended before the cancel request took effect. Otherwise, raises
        DeadlinePassed.
        """
        try:
            attempt.within(CANCEL, lambda: self.cancel_safe(timeout=CANCEL_TIMEOUT))
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


def _sent(pgconn: PGconn, sql: bytes) -> Generator[Any, Any, list[PGresult]]:
    """Send `sql`, wait, and return the result of each statement. Raises psycopg.Error if a statement failed."""
    pgconn.send_query(sql)
    results: list[PGresult] = yield from execute(pgconn)
    # Raised here, so that `_wait_within` and `_cancel` see the error.
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
    return results


def _until(instant: float, gen: Generator[Any, Any, T], *, resumed: bool = False) -> Generator[Any, Any, T]:
    """Run the psycopg generator `gen`, which yields the socket events for which it waits. Return its result.

    Raises _Late if `gen` has not ended at `instant` (monotonic clock). To continue after that, call this function again
    with the same `gen` and `resumed=True`.
    """
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
    """Return the statements that set time limits for a transaction at the server, or [] without a budget."""
    if budget is None:
        return []
    # SET LOCAL also works through PgBouncer.
    return [f"SET LOCAL {name} = {int(factor * budget.each * 1000)}" for name, factor in BOUNDS.items()]


def _allowed(budget: Budget, began: float) -> int:
    """Return how many milliseconds after BEGIN the server may still commit. `began` is the instant of BEGIN.

    Raises DeadlinePassed if the deadline of the commit has passed.
    """
    now = time.monotonic()
    until = min(now + budget.next, budget.ends)
    if until <= now:
        raise DeadlinePassed(DeadlinePassed.reason)
    return int((until - began) * 1000)


def _collect(unreplicated: list[str]) -> Any:
    """Return a handler for notices of the server.

    If a notice warns that no standby acknowledged a commit, the handler appends it to `unreplicated`. It ignores other
    notices.
    """
    # The handler refers to the list, not to the connection: a reference cycle would keep the connection alive.

    def handle(notice: Diagnostic) -> None:
        # The name of the function is not translated, unlike the message (lc_messages).
        if notice.source_function == "SyncRepWaitForLSN" or "synchronous replication" in (notice.message_primary or ""):
            unreplicated.append(notice.message_primary or NotReplicated.reason)

    return handle
