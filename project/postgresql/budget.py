"""How long the work at hand may wait for databases: set for each request, and for each read of the background refresh.

Without a budget (a management command, a migration) nothing is bounded.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]

REQUEST = 2.0
"""Seconds that one request waits for databases, in total."""
COMMITS_WITHIN = 3.0
"""Seconds after its start in which a request may commit: later than that its client has been answered by 503."""
MAINTENANCE = 0.5
"""Seconds for the check of a connection between two requests."""


@dataclass(slots=True)
class Budget:
    """What is left to wait, and until when the work may be committed."""

    left: float
    """Seconds."""
    ends: float
    """Instant of the monotonic clock."""

    def spend(self, seconds: float) -> None:
        """Subtract what was waited."""
        self.left = max(0.0, self.left - seconds)


_current: ContextVar[Budget | None] = ContextVar("database_budget", default=None)


def current() -> Budget | None:
    """Return the budget of the work at hand, or None if it is not bounded."""
    return _current.get()


@contextmanager
def at_most(seconds: float, *, commits_within: float | None = None) -> Iterator[Budget]:
    """Let the block wait `seconds` for databases, and commit within `commits_within` seconds (default: `seconds`)."""
    own = Budget(seconds, time.monotonic() + (seconds if commits_within is None else commits_within))
    token = _current.set(own)
    try:
        yield own
    finally:
        _current.reset(token)


def bounded(answer: Answer) -> Answer:
    """Middleware, first of all: no request waits for its databases longer than REQUEST seconds."""

    def within_budget(request: HttpRequest) -> HttpResponseBase:
        with at_most(REQUEST, commits_within=COMMITS_WITHIN):
            return answer(request)

    return within_budget
