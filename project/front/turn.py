"""The turn of one request: either its thread answers it, or the front abandons it and answers 503, never both.

A request that was abandoned because it took too long must not change anything afterwards. Otherwise it could
use up a refresh token, and the client's repetition would trigger reuse detection. So:

- A request that is abandoned in the queue is never started.
- An abandoned request executes no further statement and commits nothing (`project.front.abandonment` checks the turn).
- A request is not abandoned while it commits, nor in the SETTLING seconds after that, in which it can send its answer.
  But if there is no answer SETTLING seconds after the time limit of the request, it is abandoned in any case.
"""

import threading
import time

SETTLING = 1.0
"""Seconds after a commit for which the front waits for the answer."""

_current = threading.local()


class TurnOver(Exception):
    """The front has abandoned this request, and answered it with 503."""


class Turn:
    """The decision whether the thread of a request answers it, or the front abandons the request and answers 503.

    The front's event loop calls `abandon`. The thread of the request calls `go_on`, `begin_commit` and `end_commit`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._abandoned = False
        self._committing = False
        self._committed = float("-inf")

    def abandon(self, now: float, *, surely: bool = False) -> bool:
        """Abandon the request, unless it is committing, or has committed less than SETTLING seconds ago.

        `now` is in monotonic seconds. If `surely` is True, abandon the request in any case. Returns True if the request
        is abandoned, now or by an earlier call.
        """
        with self._lock:
            settling = self._committing or now - self._committed < SETTLING
            self._abandoned = self._abandoned or surely or not settling
            return self._abandoned

    def go_on(self) -> None:
        """Raise TurnOver if the request is abandoned."""
        if self._abandoned:
            raise TurnOver

    def begin_commit(self) -> None:
        """Keep the request from being abandoned until `end_commit`. Raises TurnOver if it is already abandoned."""
        with self._lock:
            self.go_on()
            self._committing = True

    def end_commit(self) -> None:
        """Record that the commit has ended. The front may abandon the request after another SETTLING seconds."""
        with self._lock:
            self._committing = False
            self._committed = time.monotonic()


def current() -> Turn | None:
    """Return the turn of the request that this thread serves, or None if it serves no request."""
    return getattr(_current, "turn", None)


def take(turn: Turn | None) -> None:
    """Set the turn that `current` returns in this thread. None means that the thread serves no request."""
    _current.turn = turn
