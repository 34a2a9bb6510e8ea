"""Connecting to PostgreSQL within a time budget, to one host or to several."""

import socket
import time

import psycopg
import pytest

from project.postgresql import driver
from project.postgresql.budget import at_most
from project.postgresql.connection import Connection
from project.postgresql.errors import DeadlinePassed


@pytest.fixture
def silent():
    """Yield a server that accepts connections but never answers, like a frozen PostgreSQL server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_server_that_says_nothing_costs_the_budget_and_no_more(silent: int) -> None:
    took = []
    for _ in range(5):  # a busy machine can be late, but not each time
        started = time.monotonic()
        with at_most(0.3) as budget, pytest.raises(DeadlinePassed):
            driver.connect(host="127.0.0.1", port=str(silent), dbname="x", user="x")
        assert budget.left == 0
        took.append(time.monotonic() - started)
        if took[-1] < 2:
            break
    assert min(took) < 2, "the least that libpq's connect_timeout can be"


def test_without_budget_left_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "connect", lambda **_: pytest.fail("it was tried"))
    with at_most(0), pytest.raises(DeadlinePassed):
        driver.connect(host="127.0.0.1")


def test_several_hosts_share_the_budget_so_that_a_silent_one_leaves_time_for_the_next(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tried = Connection.connect, []

    def connect(**parameters: str) -> object:
        tried.append((parameters["host"], parameters["port"], parameters["target_session_attrs"]))
        return "connected" if parameters["port"] == "2" else real(**parameters)

    monkeypatch.setattr(Connection, "connect", connect)
    given = {"target_session_attrs": "read-write", "dbname": "x", "user": "x"}
    with at_most(0.6) as budget:
        assert driver.connect(host="127.0.0.1,db2", port=f"{silent},2", **given) == "connected"
    assert tried == [("127.0.0.1", str(silent), "read-write"), ("db2", "2", "read-write")]
    assert budget.left > 0


def test_the_error_of_the_last_host_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**parameters: str) -> object:
        raise psycopg.OperationalError(f"no {parameters['host']}")

    monkeypatch.setattr(Connection, "connect", refuse)
    with at_most(0.6), pytest.raises(psycopg.OperationalError, match="no db2"):
        driver.connect(host="db1,db2", port="5432")


@pytest.mark.parametrize(
    ("parameters", "hosts"),
    [
        ({"host": "a"}, [{}]),
        ({}, [{}]),
        ({"host": "a,b", "port": "5432"}, [{"host": "a", "port": "5432"}, {"host": "b", "port": "5432"}]),
        ({"host": "a,b", "port": "1,2"}, [{"host": "a", "port": "1"}, {"host": "b", "port": "2"}]),
        ({"host": "a,b,c", "port": "1,2"}, [{}]),
        ({"host": "a,b", "target_session_attrs": "prefer-standby"}, [{}]),
        ({"host": "a,b", "hostaddr": "127.0.0.1,127.0.0.2"}, [{}]),
    ],
)
def test_hosts_are_tried_one_by_one_unless_one_among_them_is_preferred(
    parameters: dict[str, str], hosts: list[dict[str, str]]
) -> None:
    assert driver._hosts(parameters) == hosts
