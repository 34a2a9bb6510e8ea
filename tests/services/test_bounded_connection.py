"""Django's connection to PostgreSQL with deadlines.

All statements of a request share a time budget. A management command has no budget: it waits as long as needed.
"""

import os
import threading
import weakref
from collections.abc import Iterator
from unittest.mock import patch

import psycopg
import pytest
from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from project.postgresql import connection as bounded
from project.postgresql.budget import at_most
from project.postgresql.circuit import circuits
from project.postgresql.errors import DeadlinePassed, NotReplicated, NotTried
from project.settings import environment
from tests.services.conftest import server

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("real_databases")]


def connect(**options: object) -> BaseDatabaseWrapper:
    with patch.dict(os.environ, DATABASE_URL=server()):
        settings = environment.database("DATABASE_URL")
    settings["OPTIONS"] = {**settings["OPTIONS"], **options}  # type: ignore[dict-item]
    return ConnectionHandler({"default": settings})["default"]


@pytest.fixture
def database() -> Iterator[BaseDatabaseWrapper]:
    circuits.forget()
    database = connect()
    query(database, "CREATE TEMPORARY TABLE things (name text)")
    with patch("django.db.transaction.get_connection", return_value=database):
        yield database
    database.close()
    circuits.forget()


def query(database: BaseDatabaseWrapper, statement: str) -> list[tuple]:
    with database.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def insert(database: BaseDatabaseWrapper, name: str, *, seconds: float = 0) -> None:
    """Insert a row, wait `seconds` in the same transaction, and commit."""
    with transaction.atomic():
        query(database, f"INSERT INTO things VALUES ('{name}')")
        query(database, f"SELECT pg_sleep({seconds})")


def names(database: BaseDatabaseWrapper) -> list[str]:
    return [name for (name,) in query(database, "SELECT name FROM things ORDER BY name")]


def test_a_statement_that_takes_too_long_is_cancelled_and_the_connection_goes_on(database: BaseDatabaseWrapper) -> None:
    process = query(database, "SELECT pg_backend_pid()")
    with at_most(0.3) as budget, pytest.raises(OperationalError) as caught:
        query(database, "SELECT pg_sleep(60)")
    assert isinstance(caught.value.__cause__, DeadlinePassed)
    assert budget.left == 0
    with at_most(2.0):
        assert query(database, "SELECT pg_backend_pid()") == process
    circuits.of("default", "answers").require()  # the server answered: nobody else is refused


def test_statements_share_the_budget(database: BaseDatabaseWrapper) -> None:
    with at_most(1.0) as budget:
        query(database, "SELECT pg_sleep(0.5)")
        assert budget.left < 0.6
        with pytest.raises(OperationalError):
            query(database, "SELECT pg_sleep(60)")


@pytest.mark.parametrize(("seconds", "bounds"), [(None, ("0", "0", "0")), (2.0, ("5s", "2s", "10s"))])
def test_the_server_bounds_a_requests_transaction_and_no_commands(
    database: BaseDatabaseWrapper, seconds: float | None, bounds: tuple[str, ...]
) -> None:
    settings = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

    def shown() -> tuple[str, ...]:
        with transaction.atomic():
            return tuple(query(database, f"SHOW {setting}")[0][0] for setting in settings)

    if seconds is None:
        assert shown() == bounds
    else:
        with at_most(seconds):
            assert shown() == bounds
    assert query(database, "SHOW statement_timeout") == [("0",)], "they end with the transaction, as a pooler needs"


def test_a_transaction_in_time_is_committed(database: BaseDatabaseWrapper) -> None:
    with at_most(2.0), transaction.atomic():
        query(database, "INSERT INTO things VALUES ('in time')")
    assert names(database) == ["in time"]


def test_a_commit_that_reaches_the_server_late_is_refused_by_the_server(database: BaseDatabaseWrapper) -> None:
    with at_most(5.0), patch.object(bounded, "_allowed", return_value=100):
        with pytest.raises(OperationalError) as caught:
            insert(database, "late", seconds=0.2)
        assert isinstance(caught.value.__cause__, DeadlinePassed)
    assert names(database) == []


def test_the_server_may_commit_for_as_long_as_the_client_waits_and_no_longer() -> None:
    with patch.object(bounded.time, "monotonic", return_value=100.0), at_most(2.0, commits_within=3.0) as budget:
        assert bounded._allowed(budget, 99.5) == 2500, "half a second has passed since BEGIN"
        budget.each = 1.0
        assert bounded._allowed(budget, 99.5) == 1500, "it waits no longer for one statement"
        budget.each = 2.0
        budget.ends = 101.0
        assert bounded._allowed(budget, 99.5) == 1500, "its request ends earlier"
        for spent in (budget.ends, 100.0):
            budget.ends = spent
        with pytest.raises(DeadlinePassed):
            bounded._allowed(budget, 99.5)


def test_a_request_that_is_over_commits_nothing(database: BaseDatabaseWrapper) -> None:
    with at_most(5.0, commits_within=0.0), pytest.raises(OperationalError), transaction.atomic():
        query(database, "INSERT INTO things VALUES ('late')")
    assert names(database) == []


def test_after_an_exhausted_budget_the_transaction_is_rolled_back_and_the_connection_is_kept(
    database: BaseDatabaseWrapper,
) -> None:
    process = query(database, "SELECT pg_backend_pid()")
    with at_most(0.3), pytest.raises(OperationalError):
        insert(database, "half", seconds=60)
    assert names(database) == []
    assert query(database, "SELECT pg_backend_pid()") == process


def test_a_transaction_has_the_isolation_that_the_options_name() -> None:
    connection = connect(isolation_level=psycopg.IsolationLevel.SERIALIZABLE)
    with patch("django.db.transaction.get_connection", return_value=connection), at_most(2.0), transaction.atomic():
        assert query(connection, "SHOW transaction_isolation") == [("serializable",)]
    connection.close()


def test_while_others_were_not_answered_nothing_is_asked_and_the_connection_is_kept(
    database: BaseDatabaseWrapper,
) -> None:
    process = query(database, "SELECT pg_backend_pid()")
    circuits.of("default", "answers").failed()
    database.health_check_done = False
    with at_most(2.0), pytest.raises(OperationalError) as caught:
        query(database, "SELECT 1")
    assert isinstance(caught.value.__cause__, NotTried)
    circuits.forget()
    assert query(database, "SELECT pg_backend_pid()") == process
    fresh = connect()
    circuits.of("default", "answers").failed()
    with at_most(2.0), pytest.raises(OperationalError):
        fresh.ensure_connection()
    assert fresh.connection is None


def test_while_no_standby_acknowledges_a_commit_is_refused_before_it_is_sent(database: BaseDatabaseWrapper) -> None:
    database.connection.commits.failed()
    with at_most(2.0), pytest.raises(OperationalError, match="no synchronous standby"), transaction.atomic():
        query(database, "INSERT INTO things VALUES ('not sent')")
    database.connection.commits.answered()
    assert names(database) == []


WARNINGS = [
    ("SyncRepWaitForLSN", "Abbruch des Wartens auf synchrone Replikation", True),
    ("another", "canceling wait for synchronous replication due to user request", True),
    ("exec_stmt_raise", "a warning of a function's own", False),
]


@pytest.mark.parametrize(("function", "message", "counts"), WARNINGS)
def test_the_notice_of_a_commit_that_no_standby_has_is_known_in_every_language(
    function: str, message: str, counts: bool
) -> None:
    notices: list[str] = []
    notice = type("Notice", (), {"source_function": function, "message_primary": message})()
    bounded._collect(notices)(notice)
    assert notices == ([message] if counts else [])


def test_a_statement_that_came_with_the_notice_is_an_error_in_a_command_too(database: BaseDatabaseWrapper) -> None:
    query(database, "DO $$BEGIN RAISE WARNING 'harmless'; END$$")
    with pytest.raises(OperationalError) as caught:
        query(database, "DO $$BEGIN RAISE WARNING 'canceling wait for synchronous replication'; END$$")
    assert isinstance(caught.value.__cause__, NotReplicated)
    assert query(database, "SELECT 1") == [(1,)], "the next one is not touched by it"


def test_a_connection_is_freed_without_waiting_for_the_garbage_collector(database: BaseDatabaseWrapper) -> None:
    gone = threading.Event()
    wrapper = connect()
    wrapper.connect()
    raw = wrapper.connection
    raw.close()
    weakref.finalize(raw, gone.set)
    wrapper.connection = None
    del raw
    assert gone.is_set()


def test_without_a_budget_a_command_waits(database: BaseDatabaseWrapper) -> None:
    with patch.object(bounded.Connection, "_wait_within", side_effect=AssertionError("bounded")):
        query(database, "SELECT pg_sleep(0.1)")


def statements(database: BaseDatabaseWrapper, statement: str) -> int:
    """Run a statement at the start of a new request. Return the number of round trips to PostgreSQL."""
    database.health_check_done = False
    real = bounded.psycopg.Connection.wait
    with patch.object(bounded.psycopg.Connection, "wait", autospec=True, side_effect=real) as waits:
        query(database, statement)
    return waits.call_count


def test_a_connection_is_checked_by_a_statement_only_if_the_last_answer_is_old(database: BaseDatabaseWrapper) -> None:
    database.health_check_enabled = True
    assert statements(database, "SELECT 1") == 1
    database.connection.answered_at -= bounded.FRESH + 0.1
    assert statements(database, "SELECT 1") == 2


def test_a_connection_that_the_server_closed_is_replaced_although_the_last_answer_is_new(
    database: BaseDatabaseWrapper,
) -> None:
    database.health_check_enabled = True
    ((process,),) = query(database, "SELECT pg_backend_pid()")
    with psycopg.connect(server(), autocommit=True) as other:
        ended = other.execute("SELECT pg_terminate_backend(%s, 30000)", (process,)).fetchone()
    assert ended == (True,)
    with patch.object(bounded, "FRESH", 60.0):
        assert statements(database, "SELECT 1") > 0
        assert query(database, "SELECT pg_backend_pid()") != [(process,)]
