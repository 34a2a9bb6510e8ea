"""The database errors that count as an outage, by SQLSTATE, and their reasons in the log."""

from types import SimpleNamespace

import pytest
from django.db import Error, IntegrityError, InternalError, OperationalError

from tests.database_errors import BUGS, OUTAGES, raised
from tokens.database_errors import interrupted, message, outage, unavailable


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage_has_a_reason_that_does_not_contain_the_message(name: str) -> None:
    reason = outage(OUTAGES[name])
    assert reason
    assert "hunter2" not in reason


@pytest.mark.parametrize("name", BUGS)
def test_a_programming_error_is_no_outage(name: str) -> None:
    assert outage(BUGS[name]) is None


def test_a_read_only_database_and_a_lack_of_connections_have_different_reasons() -> None:
    assert outage(raised(InternalError, "25006")) == "the database is read-only"
    assert "connection" in str(outage(raised(OperationalError, "53300")))
    assert outage(raised(OperationalError, reason="the driver's own")) == "the driver's own"


CONNECT = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: FATAL:  '


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (raised(OperationalError, "55P03"), "interrupted"),
        (raised(InternalError, "25P04"), "interrupted"),
        (OperationalError("database is locked"), "interrupted"),
        (raised(IntegrityError, "23505", text="Failing row contains (database is locked)"), None),
        (raised(OperationalError, "57P01"), "unavailable"),
        (raised(OperationalError, "53300"), "unavailable"),
        (raised(OperationalError, "08003"), "unavailable"),
        (raised(OperationalError, text=f"{CONNECT}sorry, too many clients already"), "unavailable"),
        (raised(OperationalError, text=f'{CONNECT}too many connections for role "keyturn"'), "unavailable"),
        (raised(OperationalError, text=f"{CONNECT}remaining connection slots are reserved"), "unavailable"),
        (raised(OperationalError, text=f"{CONNECT}the database system is starting up"), "unavailable"),
        (raised(OperationalError, text="server closed the connection unexpectedly"), "unavailable"),
        (raised(OperationalError, text=f'{CONNECT}password authentication failed for user "keyturn"'), None),
        (raised(OperationalError, "53100", text="too many clients"), None),
        (raised(IntegrityError, "23505", text="the database system is "), None),
        (raised(IntegrityError, text="the database system is "), None),
    ],
    ids=str,
)
def test_an_error_that_passes_by_itself_differs_from_a_wrong_url(error: Error, expected: str | None) -> None:
    assert interrupted(error) == (expected == "interrupted")
    assert unavailable(error) == (expected == "unavailable")


def test_the_message_of_an_error_has_the_constraint_and_no_row() -> None:
    primary = 'null value in column "name" of relation "tokens_client" violates not-null constraint'
    error = raised(IntegrityError, "23502", text=f"{primary}\nDETAIL:  Failing row contains (7, hunter2).")
    error.__cause__.diag = SimpleNamespace(message_primary=primary, constraint_name=None)  # type: ignore[union-attr]
    assert message(error) == primary
    error.__cause__.diag = SimpleNamespace(  # type: ignore[union-attr]
        message_primary="the key is\nkept", constraint_name="tokens_key_kept"
    )
    assert message(error) == "the key is kept (constraint tokens_key_kept)"
    error.__cause__.diag = SimpleNamespace(  # type: ignore[union-attr]
        message_primary='violates check constraint "kept"', constraint_name="kept"
    )
    assert message(error) == 'violates check constraint "kept"'
    assert message(IntegrityError("UNIQUE constraint failed:\n tokens_client.client_id")) == (
        "UNIQUE constraint failed: tokens_client.client_id"
    )
