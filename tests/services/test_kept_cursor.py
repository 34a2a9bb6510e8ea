"""Two ways to run a statement without Django's cursor: `read_text`, and one cursor that each thread keeps.

`read_text` is a method of the database connection (project.postgresql.base).
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock, patch

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

from project.front import abandonment
from project.front.abandonment import Abandoned
from project.front.turn import TurnOver
from project.postgresql import pool
from project.postgresql.base import DatabaseWrapper
from project.postgresql.budget import at_most
from project.postgresql.circuit import circuits
from project.postgresql.errors import DeadlinePassed, NotTried
from tests.services.conftest import server
from tests.services.test_bounded_connection import connect

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("real_databases")]

PROCESS = "SELECT pg_backend_pid()::text"


@pytest.fixture
def database() -> Iterator[BaseDatabaseWrapper]:
    circuits.forget()
    database = connect()
    with patch("django.db.transaction.get_connection", return_value=database):
        yield database
    database.close()
    if (shared := pool.of("default")) is not None:
        for idle in shared._idle:
            idle.close()
    pool.share(0)
    circuits.forget()


def by_cursor(database: DatabaseWrapper, statement: str) -> str | None:
    with database.kept_cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return None if row is None else row[0]


def end(process: str | None) -> None:
    """End the PostgreSQL process with the id `process`, and so its connection. Wait until the process has ended."""
    with psycopg.connect(server(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 30000)", (process,))


def by_text(database: DatabaseWrapper, statement: str) -> str | None:
    return database.read_text(statement)


EACH = pytest.mark.parametrize("read", [by_cursor, by_text])
Read = Callable[[Any, str], str | None]


@EACH
def test_the_first_value_is_read(database: DatabaseWrapper, read: Read) -> None:
    assert read(database, "SELECT 'ä', 2 UNION ALL SELECT 'b', 3") == "ä"
    assert read(database, "SELECT NULL::text") is None
    assert read(database, "SELECT 'a' WHERE false") is None


def test_a_thread_keeps_its_cursor_until_it_has_another_connection(database: DatabaseWrapper) -> None:
    with database.kept_cursor() as first:
        first.execute("SELECT %s::int", [5])
        assert (first.fetchone(), first.rowcount) == ((5,), 1)
        made = first._cursor
    with database.kept_cursor() as second:
        second.execute("SELECT 1 UNION SELECT 2")
        assert (len(second.fetchall()), second._cursor) == (2, made)
    database.close()
    with database.kept_cursor() as third:
        third.execute("SELECT 1")
        assert third._cursor.connection is database.connection


@EACH
def test_errors_are_those_of_django(database: DatabaseWrapper, read: Read) -> None:
    with pytest.raises(ProgrammingError) as caught:
        read(database, "SELECT missing")
    assert isinstance(caught.value.__cause__, psycopg.errors.UndefinedColumn)
    assert database.errors_occurred
    assert read(database, "SELECT 'a'") == "a"


@EACH
def test_a_statement_that_takes_too_long_is_cancelled_and_the_connection_goes_on(
    database: DatabaseWrapper, read: Read
) -> None:
    process = read(database, PROCESS)
    with at_most(0.3) as budget, pytest.raises(OperationalError) as caught:
        read(database, "SELECT pg_sleep(60)::text")
    assert isinstance(caught.value.__cause__, DeadlinePassed)
    assert budget.left == 0
    assert read(database, PROCESS) == process


@EACH
def test_nothing_is_sent_while_the_circuit_is_open(database: DatabaseWrapper, read: Read) -> None:
    read(database, PROCESS)
    circuits.of("default", "answers").failed()
    with at_most(2.0), pytest.raises(OperationalError) as caught:
        read(database, "SELECT 'a'")
    assert isinstance(caught.value.__cause__, NotTried)


@EACH
def test_a_connection_that_the_server_closed_is_replaced_for_the_next_request(
    database: DatabaseWrapper, read: Read
) -> None:
    process = read(database, PROCESS)
    end(process)
    database.health_check_done = True
    with pytest.raises(OperationalError):
        read(database, PROCESS)
    database.close_if_unusable_or_obsolete()
    assert read(database, PROCESS) not in {None, process}


@EACH
def test_a_connection_that_was_idle_is_checked_before_its_first_statement(
    database: DatabaseWrapper, read: Read
) -> None:
    process = read(database, PROCESS)
    end(process)
    database.health_check_enabled, database.health_check_done = True, False
    assert read(database, PROCESS) not in {None, process}


@EACH
def test_wrappers_see_the_statement(database: DatabaseWrapper, read: Read) -> None:
    seen = []

    def wrapper(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    with database.execute_wrapper(wrapper):
        assert read(database, "SELECT 'a'") == "a"
    assert seen == ["SELECT 'a'"]


@EACH
def test_an_abandoned_request_sends_nothing(database: DatabaseWrapper, read: Read) -> None:
    abandonment._guard(connection=database)
    turn, waits = Mock(go_on=Mock(side_effect=TurnOver)), []
    read(database, "SELECT 'a'")
    with (
        patch.object(abandonment, "current", return_value=turn),
        patch.object(type(database.connection), "wait", side_effect=waits.append),
        pytest.raises(Abandoned),
    ):
        read(database, "SELECT 'a'")
    assert waits == []
    assert read(database, "SELECT 'a'") == "a"


@EACH
def test_a_broken_transaction_takes_no_further_statement(database: DatabaseWrapper, read: Read) -> None:
    with transaction.atomic():
        database.needs_rollback = True
        with pytest.raises(TransactionManagementError):
            read(database, "SELECT 'a'")


@EACH
def test_another_thread_may_not_use_the_connection(database: DatabaseWrapper, read: Read) -> None:
    caught = []

    def use() -> None:
        try:
            read(database, "SELECT 'a'")
        except DatabaseError as error:
            caught.append(error)

    read(database, "SELECT 'a'")
    other = threading.Thread(target=use)
    other.start()
    other.join()
    assert len(caught) == 1


@EACH
def test_a_shared_connection_is_returned(database: DatabaseWrapper, read: Read) -> None:
    pool.share(1)
    process = read(database, PROCESS)
    assert database.connection is None
    with pytest.raises(ProgrammingError):
        read(database, "SELECT missing")
    assert database.connection is None
    with transaction.atomic():
        assert {read(database, PROCESS), read(database, PROCESS)} == {process}
        assert database.connection is not None
    assert database.connection is None


def test_a_shared_connection_keeps_its_cursor_for_one_transaction(database: DatabaseWrapper) -> None:
    pool.share(1)
    made = []
    for _ in range(2):
        with transaction.atomic():
            for _ in range(2):
                with database.kept_cursor() as cursor:
                    made.append(cursor._cursor)
    assert made[0] is made[1]
    assert made[2] is made[3]
    assert made[1] is not made[2]
