"""Bound how long a request waits for databases. Background threads have the same bound for their database work.

Management commands and migrations have no budget, so their waits are not bounded.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from project import conf
from project.admin_pages import ANSWER_WITHIN, is_admin_page

Answer = Callable[[HttpRequest], HttpResponseBase]

SHARE = 2 / 3
"""The share of ANSWER_WITHIN for which a request may wait for databases. The rest is for cancelling a statement.

It bounds all waits of a request in total. For a page of the admin, it bounds each statement instead. A COMMIT is
possible until the answer is due.
"""
ADMIN_REQUEST = 20.0
"""The longest time in seconds for which a page of the admin waits for databases in total."""
MAINTENANCE = 0.5
"""The longest time in seconds for the check of a connection between two requests."""


@dataclass(slots=True)
class Budget:
    """The time that a request may still wait for databases, and the deadline of its commits."""

    left: float
    """The seconds for which the request can still wait."""
    each: float
    """The longest time in seconds for one statement."""
    ends: float
    """The last instant at which a commit is possible (monotonic clock)."""

    @property
    def next(self) -> float:
        """Return the seconds that the next statement may take."""
        return min(self.left, self.each)

    def spend(self, seconds: float) -> None:
        """Subtract `seconds` from the remaining time."""
        self.left = max(0.0, self.left - seconds)


_current: ContextVar[Budget | None] = ContextVar("database_budget", default=None)


def current() -> Budget | None:
    """Return the budget of the current request or `at_most` block, or None if waits are not bounded."""
    return _current.get()


@contextmanager
def at_most(seconds: float, *, each: float | None = None, commits_within: float | None = None) -> Iterator[Budget]:
    """Bound how long the block waits for databases: `seconds` in total, and `each` seconds per statement.

    Commits are possible only within `commits_within` seconds from now. `each` and `commits_within` default to
    `seconds`. Yields the budget.
    """
    ends = time.monotonic() + (seconds if commits_within is None else commits_within)
    budget = Budget(seconds, seconds if each is None else each, ends)
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)


def waiting() -> float:
    """Return for how many seconds a request outside of the admin may wait for its databases in total."""
    return conf.answer_within() * SHARE


def bounded(answer: Answer) -> Answer:
    """Return a Django middleware that bounds waits for databases. Place it before each middleware that uses a database.

    `answer` is the next middleware or the view.
    """
    commits_within, waits = conf.answer_within(), waiting()

    def within_budget(request: HttpRequest) -> HttpResponseBase:
        if is_admin_page(request.path_info):
            budget = at_most(ADMIN_REQUEST, each=waits, commits_within=ANSWER_WITHIN)
        else:
            budget = at_most(waits, commits_within=commits_within)
        with budget:
            return answer(request)

    return within_budget
