"""The database's address, and how long a process waits for a server that does not answer."""

import pytest

from project.settings import environment


@pytest.mark.parametrize(
    ("url", "waits"),
    [
        ("postgres://issuer@127.0.0.1:5432/issuer", 5),
        ("postgres://issuer@127.0.0.1:5432/issuer?connect_timeout=2", 2),
    ],
)
def test_a_server_that_does_not_answer_at_all_costs_seconds_and_not_minutes(monkeypatch, url, waits):
    monkeypatch.setenv("DATABASE_URL", url)
    assert int(environment.database("DATABASE_URL")["OPTIONS"]["connect_timeout"]) == waits
