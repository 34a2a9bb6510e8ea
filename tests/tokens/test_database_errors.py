"""The database errors that count as an outage, by SQLSTATE, and their reasons in the log."""

import pytest
from django.db import InternalError, OperationalError

from tests.database_errors import BUGS, OUTAGES, raised
from tokens.database_errors import outage


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
