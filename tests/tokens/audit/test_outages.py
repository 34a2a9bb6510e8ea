"""The lines of the audit log about answers with status 503.

For each reason of such answers, at most one line is written in ten seconds. The next line with this reason has the
number of answers that got no line.
"""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tokens.audit.outages import EVERY, KEPT, Unavailability

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="tokens.audit")
    return lambda: [json.loads(message) for message in caplog.messages]


def test_the_first_503_of_a_reason_is_a_line_with_reason_and_endpoint(lines):
    assert Unavailability().note("the database is away", endpoint="/oauth/token", now=NOW)
    assert lines() == [
        {
            "at": "2030-01-01T00:00:00Z",
            "action": "request.unavailable",
            "actor": "issuer",
            "subject": "endpoint:/oauth/token",
            "details": {"reason": "the database is away", "endpoint": "/oauth/token", "suppressed": 0},
        }
    ]


def test_answers_within_ten_seconds_are_counted_in_the_next_line(lines):
    unavailability = Unavailability()
    times = (NOW, NOW + MOMENT, NOW + EVERY - MOMENT, NOW + EVERY)
    assert [unavailability.note("why", endpoint="/x", now=now) for now in times] == [True, False, False, True]
    assert [line["details"]["suppressed"] for line in lines()] == [0, 2]


def test_another_reason_has_its_own_line_and_another_endpoint_does_not(lines):
    unavailability = Unavailability()
    for reason, endpoint in (("a", "/x"), ("b", "/x"), ("a", "/y")):
        unavailability.note(reason, endpoint=endpoint, now=NOW)
    assert [line["details"]["reason"] for line in lines()] == ["a", "b"]


def test_a_clock_that_is_set_back_suppresses_no_line(lines):
    unavailability = Unavailability()
    unavailability.note("why", endpoint="/x", now=NOW)
    assert unavailability.note("why", endpoint="/x", now=NOW - MOMENT)


def test_the_reason_that_was_logged_longest_ago_is_forgotten_first(lines):
    unavailability = Unavailability()
    for number in range(KEPT):
        unavailability.note(f"why {number}", endpoint="/x", now=NOW)
    later = NOW + EVERY
    unavailability.note("why 0", endpoint="/x", now=later)
    unavailability.note("another", endpoint="/x", now=later)
    assert not unavailability.note("why 0", endpoint="/x", now=later)
    assert unavailability.note("why 1", endpoint="/x", now=NOW + MOMENT)


def test_the_number_of_remembered_reasons_is_bounded(lines):
    unavailability = Unavailability()
    for number in range(2 * KEPT):
        unavailability.note(f"{number} s away", endpoint="/x", now=NOW)
    assert len(unavailability._last) == KEPT


def test_concurrent_threads_write_one_line_for_a_reason(lines):
    unavailability = Unavailability()
    threads = [
        threading.Thread(target=unavailability.note, args=("why",), kwargs={"endpoint": "/x", "now": NOW})
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines()) == 1
