"""How long the work at hand may wait for databases: set for each request, and for each read of the background refresh.

Without a budget (a management command, a migration) nothing is bounded.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]

SHARE = 2 / 3
"""Of ANSWER_WITHIN, in which a request may commit, for waiting for databases; the rest is for cancelling what hangs.

A request waits so long in total; a page of the admin waits so long for each statement.
"""
ADMIN, ADMIN_LOGIN = "/admin/", "/admin/login/"
ADMIN_REQUEST, ADMIN_COMMITS_WITHIN = 20.0, 30.0
"""Seconds for pages of the admin, which make keys and delete many rows; its login page has the bounds of others."""
MAINTENANCE = 0.5
"""Seconds for the check of a connection between two requests."""


@dataclass(slots=True)
class Budget:
    """What is left to wait, and until when the work may be committed."""

    left: float
    """Seconds."""
    each: float
    """Seconds for one statement: a server that does not answer within them is not waited for any longer."""
    ends: float
    """Instant of the monotonic clock."""

    @property
    def next(self) -> float:
        """Seconds that the next statement may take."""
        return min(self.left, self.each)

    def spend(self, seconds: float) -> None:
        """Subtract what was waited."""
        self.left = max(0.0, self.left - seconds)


_current: ContextVar[Budget | None] = ContextVar("database_budget", default=None)


def current() -> Budget | None:
    """Return the budget of the work at hand, or None if it is not bounded."""
    return _current.get()


@contextmanager
def at_most(seconds: float, *, each: float | None = None, commits_within: float | None = None) -> Iterator[Budget]:
    """Let the block wait `seconds` for databases, `each` for a statement, and commit within `commits_within` seconds.

    Both are `seconds` unless they are given.
    """
    ends = time.monotonic() + (seconds if commits_within is None else commits_within)
    own = Budget(seconds, seconds if each is None else each, ends)
    token = _current.set(own)
    try:
        yield own
    finally:
        _current.reset(token)


def waiting() -> float:
    """Return for how many seconds a request may wait for its databases."""
    return float(settings.ANSWER_WITHIN * SHARE)


def bounded(answer: Answer) -> Answer:
    """Middleware, before all that asks a database: each request is answered within ANSWER_WITHIN, whatever hangs."""
    commits_within, waits = settings.ANSWER_WITHIN, waiting()

    def within_budget(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(ADMIN) and not request.path_info.startswith(ADMIN_LOGIN):
            budget = at_most(ADMIN_REQUEST, each=waits, commits_within=ADMIN_COMMITS_WITHIN)
        else:
            budget = at_most(waits, commits_within=commits_within)
        with budget:
            return answer(request)

    return within_budget
