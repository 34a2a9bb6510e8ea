"""Logins, failed logins and logouts are lines of the audit log, with the network address of the browser.

tests/tokens/back_channel/ and tests/tokens/account/ test the messages to clients and the record of the session.
"""

import json
import logging

import pytest

from tokens.authorize import login_events


@pytest.fixture
def lines(caplog):
    """Return a function that returns the lines of the audit log."""
    caplog.set_level(logging.INFO, "tokens.audit")
    return lambda: [json.loads(record.getMessage()) for record in caplog.records if record.name == "tokens.audit"]


@pytest.mark.django_db
def test_logins_are_logged_without_the_text_that_the_user_typed(client, user, caplog, lines):
    client.post("/accounts/login/", {"login": "hunter2-typed-here", "password": "x"})
    client.post("/accounts/login/", {"login": "ada", "password": "correct horse"})
    client.post("/accounts/logout/")
    assert [(line["action"], line["actor"], line["details"]) for line in lines()] == [
        ("user.login_failed", "user:unknown", {"address": "127.0.0.1"}),
        ("user.logged_in", "user:ada", {"address": "127.0.0.1"}),
        ("user.logged_out", "user:ada", {"address": "127.0.0.1"}),
    ]
    assert "hunter2" not in caplog.text
    assert "correct horse" not in caplog.text


def test_a_logout_of_a_session_that_has_ended_is_not_logged(rf, lines):
    login_events.logged_out(rf.post("/accounts/logout/"), None)
    assert lines() == []


@pytest.mark.django_db
def test_a_login_without_a_request_is_logged_without_an_address(user, lines):
    login_events.logged_in(None, user)
    assert [(line["action"], line["details"]) for line in lines()] == [("user.logged_in", {})]
