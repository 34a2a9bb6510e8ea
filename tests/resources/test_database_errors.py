"""An outage of the API's own database is answered 503 with Retry-After. A wrong SQL statement is answered 500."""

import pytest

from resources.database_errors import outage
from resources.handler import exception_handler
from tests.database_errors import BUGS, OUTAGES


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage_of_the_database_is_503(name: str, caplog: pytest.LogCaptureFixture) -> None:
    response = exception_handler(OUTAGES[name], {})
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.data == {"error": "temporarily_unavailable", "detail": "The database cannot be reached"}
    assert "Answered 503: " in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_not_taken_for_an_outage(name: str) -> None:
    assert outage(BUGS[name]) is None
    assert exception_handler(BUGS[name], {}) is None
