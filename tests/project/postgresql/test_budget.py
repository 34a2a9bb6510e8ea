"""The time budget: how long a request, a thread or a command may wait for databases."""

import time

import pytest
from django.http import HttpRequest, HttpResponse

from project.admin_pages import ANSWER_WITHIN
from project.postgresql.budget import ADMIN_REQUEST, SHARE, Budget, at_most, bounded, current
from project.postgresql.circuit import LEASE
from project.postgresql.connection import CANCEL

WITHIN = 3.0  # seconds; the default of ANSWER_WITHIN


@pytest.fixture(autouse=True)
def production(settings) -> None:
    settings.ANSWER_WITHIN = WITHIN


def test_a_request_has_a_budget_and_a_command_has_none() -> None:
    seen = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(current())
        return HttpResponse()

    assert current() is None
    bounded(view)(HttpRequest())
    assert current() is None
    assert isinstance(seen[0], Budget)
    assert seen[0].left == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("path", "total", "commits"),
    [
        ("/oauth/token", 2.0, WITHIN),
        ("/admin/login/", 2.0, WITHIN),
        ("/admin/tokens/ring/", ADMIN_REQUEST, ANSWER_WITHIN),
    ],
)
def test_a_page_of_the_admin_may_send_many_statements_and_waits_for_none_of_them_longer(path, total, commits) -> None:
    seen = []
    request = HttpRequest()
    request.path_info = path
    before = time.monotonic()
    bounded(lambda _request: seen.append(current()) or HttpResponse())(request)
    [budget] = seen
    assert (budget.left, budget.next) == (pytest.approx(total), pytest.approx(2.0))
    assert before + commits <= budget.ends <= time.monotonic() + commits


def test_each_wait_is_paid_from_it_and_it_never_becomes_negative() -> None:
    with at_most(2.0) as budget:
        budget.spend(1.5)
        assert budget.left == 0.5
        budget.spend(1.5)
        assert budget.left == 0


def test_a_budget_within_another_is_its_own() -> None:
    with at_most(2.0) as outer:
        with at_most(0.5) as inner:
            assert current() is inner
        assert current() is outer


def test_a_request_that_waits_its_cancel_and_its_rollback_included_is_answered_within_three_seconds() -> None:
    waits = WITHIN * SHARE
    assert waits + 3 * CANCEL < WITHIN
    assert waits + 3 * CANCEL < LEASE


def test_what_a_request_waits_follows_from_the_one_setting(settings) -> None:
    settings.ANSWER_WITHIN = 30
    seen = []
    before = time.monotonic()
    bounded(lambda _request: seen.append(current()) or HttpResponse())(HttpRequest())
    [budget] = seen
    assert (budget.left, budget.each) == (pytest.approx(20.0), pytest.approx(20.0))
    assert before + 30 <= budget.ends <= time.monotonic() + 30
