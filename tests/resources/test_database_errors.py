"""An API whose own database fails answers 503 with Retry-After; what is wrong with a statement stays 500."""

import pytest

from resources.database_errors import outage
from resources.handler import exception_handler
from tests.database_errors import OURS, OUTAGES


@pytest.mark.parametrize("name", OUTAGES)
def test_the_databases_state_is_503(name: str, caplog: pytest.LogCaptureFixture) -> None:
    response = exception_handler(OUTAGES[name], {})
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.data == {"error": "temporarily_unavailable", "detail": "The database cannot be reached"}
    assert "Answered 503: " in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("name", OURS)
def test_what_is_ours_stays_ours(name: str) -> None:
    assert outage(OURS[name]) is None
    assert exception_handler(OURS[name], {}) is None
