"""The turn of one request on a thread: either the thread answers the request, or the front abandons it, never both.

A request that was answered 503 because it took too long must not change anything afterwards. If it used up a refresh
token, the client's repetition would trigger reuse detection. So:
- A request that is abandoned in the queue is never started.
- An abandoned request executes no further statement and commits nothing (`project.front.abandonment` checks the turn).
- A request is not abandoned while it commits, nor for SETTLING seconds after that, in which it sends its answer.
"""

import threading
import time

SETTLING = 1.0
"""Seconds after a commit in which the answer is awaited."""

_current = threading.local()


class TurnOver(Exception):
    """The front has abandoned this request, and answered it."""


class Turn:
    """The state of one request. Used by its thread and by the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._abandoned = False
        self._committing = False
        self._committed = float("-inf")

    def abandon(self, now: float, *, surely: bool = False) -> bool:
        """Abandon the request, unless it is committing at `now` (monotonic seconds) or has just done so.

        Returns True if it is abandoned. `surely` abandons it in every state.
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
        """Keep the request from being abandoned until `end_commit`. Raises TurnOver if it is abandoned."""
        with self._lock:
            self.go_on()
            self._committing = True

    def end_commit(self) -> None:
        """Let the request be abandoned again, SETTLING seconds from now."""
        with self._lock:
            self._committing = False
            self._committed = time.monotonic()


def current() -> Turn | None:
    """Return the turn of the request that this thread serves, or None if it serves none."""
    return getattr(_current, "turn", None)


def take(turn: Turn | None) -> None:
    """Make `turn` this thread's current one."""
    _current.turn = turn
