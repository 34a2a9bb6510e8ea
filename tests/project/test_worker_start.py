"""The limits of requests that a worker takes from the settings."""

import pytest

from project.launch import worker_start


@pytest.mark.parametrize(
    ("answer", "admin"),
    [(3, 30), (29.9, 30), (30, 30), (30.1, 30.1), (120, 120)],
    ids=["below", "just below", "equal", "just above", "above"],
)
def test_a_page_of_the_admin_gets_thirty_seconds_or_the_time_of_other_requests_if_that_is_longer(
    settings, answer, admin
):
    settings.ANSWER_WITHIN = answer
    bounds = worker_start.bounds()
    assert (bounds.answer, bounds.admin_answer) == (answer, admin)


def test_without_a_limit_in_the_settings_each_request_gets_that_of_the_admin(settings):
    del settings.ANSWER_WITHIN
    bounds = worker_start.bounds()
    assert (bounds.answer, bounds.admin_answer) == (30, 30)
