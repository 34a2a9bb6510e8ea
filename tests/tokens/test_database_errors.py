"""Which errors of the database are its state, by SQLSTATE, and what the log calls them."""

import pytest
from django.db import InternalError, OperationalError

from tests.database_errors import OURS, OUTAGES, raised
from tokens.database_errors import outage


@pytest.mark.parametrize("name", OUTAGES)
def test_the_databases_state_has_a_reason_that_repeats_no_message(name: str) -> None:
    reason = outage(OUTAGES[name])
    assert reason
    assert "hunter2" not in reason


@pytest.mark.parametrize("name", OURS)
def test_what_is_ours_has_none(name: str) -> None:
    assert outage(OURS[name]) is None


def test_a_read_only_database_and_one_without_connections_are_told_apart() -> None:
    assert outage(raised(InternalError, "25006")) == "the database is read-only"
    assert "connection" in str(outage(raised(OperationalError, "53300")))
    assert outage(raised(OperationalError, reason="the driver's own")) == "the driver's own"
