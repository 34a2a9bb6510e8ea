"""A call with a deadline returns its result or raises its error. A result after the deadline is discarded."""

import threading

import pytest

from project.postgresql import attempt
from project.postgresql.errors import DeadlinePassed


def test_a_result_in_time_is_returned_and_an_error_raised() -> None:
    assert attempt.within(20, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        attempt.within(20, lambda: 1 // 0)


def test_after_the_deadline_a_late_result_is_discarded() -> None:
    goes_on, discarded = threading.Event(), threading.Event()
    late = []

    def call() -> str:
        goes_on.wait(20)
        return "late"

    def discard(result: str) -> None:
        late.append(result)
        discarded.set()

    with pytest.raises(DeadlinePassed):
        attempt.within(0.01, call, discard=discard)
    assert late == []
    goes_on.set()
    assert discarded.wait(20)
    assert late == ["late"]
