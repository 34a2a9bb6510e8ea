"""With DATABASE_CONNECTIONS, the threads of a worker share connections to PostgreSQL.

Requests that wait for a lock do not block the other requests.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from project.postgresql.connection import LOCK_SHARE
from tests.services.cluster import Cluster, cluster
from tests.services.outages import Served, served

pytestmark = [pytest.mark.services, pytest.mark.outage, pytest.mark.xdist_group("shared connections")]

WORKERS, CONNECTIONS = 2, 4
ANSWER_WITHIN = 30.0  # seconds
LOCK_WAIT = ANSWER_WITHIN * 2 / 3 * LOCK_SHARE
WAITING = 16
"""Requests for one row: as many as the threads of the node."""
COUNT = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
LOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as server:
        yield server


@pytest.fixture(scope="module")
def issuer(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with ExitStack() as stack:
        given = {"DATABASE_CONNECTIONS": str(CONNECTIONS), "ANSWER_WITHIN": str(ANSWER_WITHIN)}
        address = ("127.0.0.1", server.port)
        folder = tmp_path_factory.mktemp("shared")
        yield stack.enter_context(served(server, address, folder, workers=WORKERS, variables=given))


def address(issuer: Served) -> str:
    return issuer.cluster.address.rpartition("/")[0] + f"/{issuer.log.stem}"


def number(connection: psycopg.Connection, query: str) -> int:
    connection.execute("SELECT pg_stat_clear_snapshot()")
    (count,) = connection.execute(query).fetchone()
    return int(count)


def test_a_node_uses_at_most_two_connections_more_than_workers(issuer: Served) -> None:
    most = 0
    with psycopg.connect(address(issuer), autocommit=True) as watching, ThreadPoolExecutor(64) as crowd:
        running = [crowd.submit(issuer.token) for _ in range(256)]
        running += [crowd.submit(issuer.assertion) for _ in range(64)]
        running += [crowd.submit(issuer.get, "/readyz") for _ in range(16)]
        while not all(future.done() for future in running):
            most = max(most, number(watching, COUNT))
    assert {future.result().status_code for future in running} == {200}
    assert 1 < most <= WORKERS + 2


def test_requests_that_wait_for_one_row_delay_others_by_one_lock_wait_at_most(issuer: Served) -> None:
    text = issuer.families.pop()
    waited = []
    with psycopg.connect(address(issuer), autocommit=True) as watching, psycopg.connect(address(issuer)) as holder:
        holder.execute("SELECT 1 FROM tokens_usergrant FOR UPDATE")
        with ThreadPoolExecutor(WAITING) as crowd:
            refused = [crowd.submit(issuer.refresh, text) for _ in range(WAITING)]
            deadline = time.monotonic() + 60
            while number(watching, LOCKED) < CONNECTIONS:  # they have all connections of the node
                assert time.monotonic() < deadline
            while not all(future.done() for future in refused):
                started = time.monotonic()
                assert issuer.token().status_code == 200
                waited.append(time.monotonic() - started)
                assert number(watching, COUNT) <= WORKERS + 2 + 1  # and the holder's
        holder.rollback()
    assert {future.result().status_code for future in refused} == {503}
    # WAITING / CONNECTIONS such waits would follow each other if each request waited in full.
    assert max(waited) < 1.5 * LOCK_WAIT
    assert issuer.refresh(text).status_code == 200
