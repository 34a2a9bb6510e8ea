"""The log lines about requests that the front (project.front) refuses.

Their number and length are bounded, and they contain nothing that the client sent.
"""

import logging

import pytest

from project.front.refusal_log import EVERY, LONGEST, RefusalLog
from project.front.refusals import Refused
from tests.project.front.asgi import fetch, front
from tests.project.front.test_requests import echo

LARGE = Refused(413, "invalid_request", "The body is too large.")
SLOW = Refused(408, "invalid_request", "The body did not arrive in time.")


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "project.front")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "project.front.refusal_log"]


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (413, [("Content-Length", "101")], "The body is too large."),
        (408, [("Content-Length", "10")], "The body did not arrive in time."),
        (400, [("Content-Length", "many")], "The Content-Length is not a number."),
    ],
)
def test_a_refusal_is_logged_with_status_path_and_reason_and_nothing_else_of_the_request(
    status, headers, reason, lines
):
    server = front(echo)
    for _ in range(3):
        path = "/oauth/token?code=in-the-query"
        answer = fetch(server, path, method="POST", headers=headers, body=[b"secret"], ends=False)
        assert answer.status == status
    [line] = lines()
    assert line.startswith(f"Refused unread: {status} for 'POST' '/oauth/token'. {reason}")
    assert "in-the-query" not in line
    assert "secret" not in line


def test_a_request_that_is_served_and_a_503_are_not_logged_there(lines):
    def slow(*_):
        raise Refused(503, "temporarily_unavailable", "There was no answer in time.", reason="no answer")

    assert fetch(front(echo), "/", method="POST", headers=[("Content-Length", "100")], body=[b"x" * 100]).status == 200
    assert fetch(front(slow)).status == 503
    assert lines() == []


def test_each_reason_has_one_line_in_a_while_that_counts_the_others(lines):
    log = RefusalLog()
    for why, now in ((LARGE, 0), (LARGE, 1), (SLOW, 2), (LARGE, EVERY - 0.1), (LARGE, EVERY), (LARGE, 3 * EVERY)):
        log.note(why, method="POST", path="/", now=now)
    assert [(line.partition(" for ")[0][-3:], line.partition("(")[2].split()[0]) for line in lines()] == [
        ("413", "0"),
        ("408", "0"),
        ("413", "2"),
        ("413", "0"),
    ]


def test_a_line_is_bounded_and_no_path_writes_a_line_of_its_own(lines):
    RefusalLog().note(LARGE, method="M" * 5000, path="/\r\n" + "p" * 5000, now=0)
    [line] = lines()
    assert len(line) < 2 * LONGEST + 200
    assert line.splitlines() == [line]
