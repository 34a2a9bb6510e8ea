"""PostgreSQL is frozen, stopped, read-only, full, or without its standby server.

The table in docs/operations.md describes how the issuer behaves in each case.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from tests.services.cluster import Cluster, cluster, pooled
from tests.services.conftest import wait_for
from tests.services.outages import Served, served

pytestmark = [pytest.mark.services, pytest.mark.outage, pytest.mark.xdist_group("postgresql outages")]

PUBLIC = {"healthz": 200, ".well-known/jwks.json": 200, ".well-known/openid-configuration": 200}
MINUTE = """UPDATE tokens_refreshtoken SET used_at = used_at - interval '1 minute',
expires_at = CASE WHEN used_at IS NULL THEN expires_at ELSE expires_at - interval '1 minute' END"""
"""A minute passes for spent refresh tokens: longer than a lost answer may be asked for again."""


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as server:
        yield server


@pytest.fixture(scope="module", params=["direct", "shared connections", "pgbouncer"])
def issuer(
    request: pytest.FixtureRequest, server: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("outages")
    with ExitStack() as stack:
        address = f"127.0.0.1:{server.port}"
        if request.param == "pgbouncer":
            address = stack.enter_context(pooled(server))
        host, _, port = address.partition(":")
        shared = {"DATABASE_CONNECTIONS": "3"} if request.param == "shared connections" else {}
        yield stack.enter_context(served(server, (host, int(port)), folder, variables=shared))


@pytest.fixture(autouse=True)
def recovered(issuer: Served) -> Iterator[None]:
    """Before and after each test, wait until the issuer works again. Thaw PostgreSQL after the test."""
    issuer.recovers()
    yield
    issuer.cluster.thaw()
    issuer.recovers()


@contextmanager
def stopped(server: Cluster) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def full(server: Cluster) -> Iterator[None]:
    """Open every connection that the PostgreSQL server allows, and keep them open while the block runs.

    Terminates the connections of clients and of a pooler, and opens connections until the server refuses more.
    """
    taken, numbers = [taker(server)], [0]
    others = "backend_type = 'client backend' AND application_name <> 'taker'"

    def is_taken() -> bool:
        taken[0].execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        with suppress(psycopg.OperationalError):
            while True:
                taken.append(taker(server))
        numbers.append(len(taken))
        count = taken[0].execute(f"SELECT count(*) FROM pg_stat_activity WHERE {others}").fetchone()
        # PostgreSQL frees the place of a terminated connection a moment after it stops to list it.
        return count == (0,) and numbers[-1] == numbers[-2]

    try:
        wait_for(is_taken)
        yield
    finally:
        for connection in taken:
            connection.close()


def taker(server: Cluster) -> psycopg.Connection:
    return psycopg.connect(server.address, connect_timeout=10, application_name="taker", autocommit=True)


OUTAGES: dict[str, Callable[[Cluster], object]] = {"frozen": Cluster.frozen, "stopped": stopped, "full": full}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_503_at_every_endpoint_that_needs_the_database_and_at_no_other(
    issuer: Served, outage: str
) -> None:
    with OUTAGES[outage](issuer.cluster):
        for _ in range(2):  # when it begins, and while it is known
            answers = issuer.asks()
            assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 503)
            assert all(answer.headers["Retry-After"] for answer in answers.values())
            page = answers.pop("page")
            assert page.headers["Content-Type"].startswith("text/html")
            assert all(answer.headers["Content-Type"] == "application/json" for answer in answers.values())
            assert issuer.documents() == PUBLIC


def test_a_read_only_database_is_503_where_something_is_written_and_readyz_names_it(issuer: Served) -> None:
    issuer.get("/oauth/revocations")  # publishes what other tests revoked: later it could not be written
    with issuer.cluster.configured(default_transaction_read_only="on"):
        wait_for(lambda: issuer.get("/readyz").status_code == 503)
        why = issuer.get("/readyz", Authorization=f"Bearer {issuer.operator}").json()
        assert "read-only" in why["causes"]["database"]
        answers = issuer.asks()
        written = {name: answers[name] for name in ("refresh", "revoke", "device", "private_key_jwt")}
        assert {name: answer.status_code for name, answer in written.items()} == dict.fromkeys(written, 503)
        assert all(answer.json()["error"] == "temporarily_unavailable" for answer in written.values())
        assert answers["revocations"].status_code == 200, "what is only read goes on"
        assert issuer.documents() == PUBLIC


def test_a_frozen_database_is_asked_by_one_request_while_the_others_are_refused_at_once(issuer: Served) -> None:
    with issuer.cluster.frozen():
        issuer.asks()
        with ThreadPoolExecutor(4) as pool:
            answers = [future.result() for future in [pool.submit(issuer.token) for _ in range(40)]]
    assert {answer.status_code for answer in answers} == {503}
    slow = [answer for answer in answers if answer.elapsed.total_seconds() > 1.5]
    assert len(slow) < len(answers) / 2, "without a circuit all would wait for two seconds"


def test_each_reason_is_one_line_of_the_audit_log_and_says_how_many_it_stands_for(issuer: Served) -> None:
    before = len(issuer.lines())
    with issuer.cluster.frozen():
        for _ in range(5):
            issuer.asks()
    lines = issuer.lines()
    assert lines, "outages are in the log"
    assert len(lines) - before < 5 * 8, "and not once for each request"
    assert {line["actor"] for line in lines} == {"issuer"}
    reasons = {str(line["details"]["reason"]) for line in lines}
    assert any("did not answer" in reason for reason in reasons), reasons
    assert all(str(line["details"]["endpoint"]).startswith("/") for line in lines)


POINTS = {
    "before it begins": b"BEGIN",
    "at the lock": b"FOR UPDATE",
    "at the successor": b'INSERT INTO "tokens_refreshtoken"',
    "after COMMIT was sent": b"COMMIT",
}


@pytest.mark.parametrize("point", POINTS)
def test_an_abandoned_refresh_leaves_its_token_unused_when_the_database_wakes(issuer: Served, point: str) -> None:
    text = issuer.families.pop()
    issuer.database.arm(POINTS[point], issuer.cluster.freeze)
    try:
        assert issuer.refresh(text).status_code == 503
        assert issuer.database.tripped.is_set()
    finally:
        issuer.cluster.thaw()
    issuer.recovers()
    rows = rows_of(issuer, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
                   " AND backend_type = 'client backend'")  # fmt: skip
    wait_for(lambda: rows() == [(0,)])
    run(issuer, MINUTE)
    again = issuer.refresh(text)
    assert again.status_code == 200, again.text
    assert issuer.refresh(again.json()["refresh_token"]).status_code == 200, "the family lives"


def test_without_its_standby_a_revocation_is_503_and_never_acknowledged_while_reading_goes_on(issuer: Served) -> None:
    text = issuer.families.pop()
    with issuer.cluster.configured(synchronous_standby_names="nobody"):
        wait_for(lambda: shown(issuer, "synchronous_standby_names") == "nobody")
        with ThreadPoolExecutor(8) as pool:
            revoking = [pool.submit(issuer.revoke, text) for _ in range(4)]
            reading = [pool.submit(issuer.token) for _ in range(4)]
        assert {future.result().status_code for future in revoking} == {503}
        assert {future.result().status_code for future in reading} == {200}
        waiting = rows_of(issuer, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        wait_for(lambda: waiting() == [(0,)])
    wait_for(lambda: issuer.revoke(text).status_code == 200)


def test_a_row_that_another_session_locks_is_503_only_for_requests_that_need_it(issuer: Served) -> None:
    text = issuer.families.pop()
    with psycopg.connect(address(issuer)) as holder:
        holder.execute("SELECT 1 FROM tokens_usergrant FOR UPDATE")
        with ThreadPoolExecutor(2) as pool:
            refused, served_ = pool.submit(issuer.refresh, text), pool.submit(issuer.token)
        assert (refused.result().status_code, served_.result().status_code) == (503, 200)
        assert issuer.token().status_code == 200, "the database answers: nobody else is refused"
        holder.rollback()
    assert issuer.refresh(text).status_code == 200


def test_a_worker_that_is_replaced_while_the_database_is_frozen_starts_without_it(issuer: Served) -> None:
    with issuer.cluster.frozen():
        (worker,) = psutil.Process(issuer.leader).children()
        worker.kill()
        worker.wait(60)
        wait_for(lambda: answers(issuer, "/healthz"))
    issuer.recovers()


def answers(issuer: Served, path: str) -> bool:
    with suppress(requests.ConnectionError):
        return issuer.get(path).status_code == 200
    return False


def test_an_idle_node_has_read_what_it_was_never_asked_for(server: Cluster, tmp_path: Path) -> None:
    with served(server, ("127.0.0.1", server.port), tmp_path) as idle:
        # Only the metadata is made of scopes. The database is a copy, so its statistics began with this node.
        count = rows_of(
            idle, "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'tokens_scope'"
        )
        wait_for(lambda: count()[0][0] > 0)
        for _ in range(20):  # the node was sent the answer, and takes it while it does other things
            assert idle.get("/healthz").status_code == 200
        with server.frozen():
            answers = {path: idle.get(path) for path in (
                "/.well-known/openid-configuration", "/.well-known/jwks/orders.json", "/.well-known/jwks/invented.json"
            )}  # fmt: skip
        assert [answer.status_code for answer in answers.values()] == [200, 200, 404]
        first, *_ = answers.values()
        assert first.json()["protected_resources"] == ["https://api.example/"]
        assert all(answer.elapsed.total_seconds() < 1.5 for answer in answers.values()), "no database was waited for"
        idle.recovers()


def address(issuer: Served) -> str:
    return issuer.cluster.address.rpartition("/")[0] + f"/{issuer.log.stem}"


def run(issuer: Served, statement: str) -> None:
    with psycopg.connect(address(issuer), autocommit=True) as connection:
        connection.execute(statement)


def rows_of(issuer: Served, query: str) -> Callable[[], list[tuple]]:
    def rows() -> list[tuple]:
        with psycopg.connect(address(issuer), autocommit=True) as connection:
            return connection.execute(query).fetchall()

    return rows


def shown(issuer: Served, setting: str) -> str:
    return str(rows_of(issuer, f"SHOW {setting}")()[0][0])
