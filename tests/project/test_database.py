"""The URL of the database, and how long a process waits for a database server that does not answer."""

import pytest

from project.settings import environment

URL = "postgres://issuer@127.0.0.1:5432/issuer"


@pytest.mark.parametrize(("query", "waits"), [("", 5), ("?connect_timeout=2", 2)])
def test_a_server_that_does_not_answer_at_all_costs_seconds_and_not_minutes(monkeypatch, query, waits):
    monkeypatch.setenv("DATABASE_URL", URL + query)
    assert int(environment.database("DATABASE_URL")["OPTIONS"]["connect_timeout"]) == waits


@pytest.mark.parametrize("name", ["DATABASE_URL", "API_DATABASE_URL"])
def test_issuer_and_api_have_the_backend_with_deadlines(monkeypatch, name):
    monkeypatch.setenv(name, URL)
    assert environment.database(name)["ENGINE"] == "project.postgresql"


def test_tcp_keepalive_detects_a_lost_machine_and_the_url_can_override_it(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"{URL}?keepalives_idle=60")
    options = environment.database("DATABASE_URL")["OPTIONS"]
    assert int(options["keepalives_idle"]) == 60
    assert {"keepalives_interval", "keepalives_count", "tcp_user_timeout"} < options.keys()


def test_nothing_is_sent_at_connecting_that_pgbouncer_refuses(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", URL)
    database = environment.database("DATABASE_URL")
    assert "options" not in database["OPTIONS"]
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True
