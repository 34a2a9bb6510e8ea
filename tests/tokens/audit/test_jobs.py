"""When the operator's jobs are overdue."""

from datetime import UTC, datetime, timedelta

import pytest

from tokens.audit import jobs

NOW = datetime(2026, 1, 31, tzinfo=UTC)
BOUNDS = [("rotate_keys", timedelta(days=1)), ("purge_tokens", timedelta(days=2))]


@pytest.mark.parametrize(("name", "longest"), BOUNDS)
def test_a_job_is_overdue_once_its_last_run_is_older_than_its_bound(name, longest):
    assert not jobs.is_overdue(name, NOW - longest, now=NOW)
    assert jobs.is_overdue(name, NOW - longest - timedelta(microseconds=1), now=NOW)


@pytest.mark.django_db
def test_a_job_that_never_ran_is_overdue_and_a_poll_of_the_feed_is_no_job():
    jobs.note(jobs.POLLED, now=NOW)
    jobs.note("purge_tokens", now=NOW)
    states = [(state.name, state.ended_at, state.overdue) for state in jobs.states(now=NOW)]
    assert states == [("rotate_keys", None, True), ("purge_tokens", NOW, False)]
    assert [state.name for state in jobs.states(now=NOW)] == [name for name, _ in BOUNDS]
