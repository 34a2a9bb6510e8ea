"""One request's turn on a thread: it is either answered by that thread or abandoned by the front, never both.

A request that was answered 503 because it took too long must not go on to change anything: a client that repeats a
refresh would be taken for a thief if the abandoned one spent the token later. So:
- a request that is abandoned while it waits is never started;
- an abandoned request executes no further statement and commits nothing (`project.front.abandoned` asks the turn);
- a request is not abandoned while it commits, nor right after it, when its answer is about to come.
"""

import threading
import time

SETTLING = 1.0
"""Seconds in which the answer comes after a commit."""

_current = threading.local()


class TurnOver(Exception):
    """The front has answered this request already."""


class Turn:
    """The state of one request. Used by its thread and by the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._abandoned = False
        self._committing = False
        self._committed = float("-inf")

    def abandon(self, now: float, *, surely: bool = False) -> bool:
        """Abandon the request, unless it is committing at `now` (monotonic seconds) or has just done so.

        Returns True if it is abandoned. `surely` abandons it whatever it does.
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
        """Let the request be abandoned again, once its answer had time to come."""
        with self._lock:
            self._committing = False
            self._committed = time.monotonic()


def current() -> Turn | None:
    """Return the turn of the request that this thread serves, or None outside of one."""
    return getattr(_current, "turn", None)


def take(turn: Turn | None) -> None:
    """Make `turn` this thread's current one."""
    _current.turn = turn
