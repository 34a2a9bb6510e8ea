"""Limit how many threads of a process may wait for an issuer at the same time.

- All issuers share one limit per process, for keys and revocation feeds.
- At most half of the serving threads may wait, so that a thread is always free for a token with a known key.
- A server can set the number of its threads (`serving.set_count`). Otherwise a thread counts as serving if it has
  authenticated a request within the last ten seconds.
- If no other request waits, the first request that needs a fetch may always wait, even if the limit is 0. For
  example, the limit is 0 in a process that has just started and has seen only one serving thread.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

RECENT = 10.0  # seconds for which a thread counts as serving; shorter than servers keep an idle thread
MANY = 1024  # remembered threads beyond which those that are not recent are forgotten


class ServingThreads:
    """The threads of this process that serve requests. `clock` returns monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._set = 0
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Forget the threads of the parent process (after a fork)."""
        self._seen: dict[int, float] = {}

    def set_count(self, threads: int) -> None:
        """Set the number of threads that serve requests in this process."""
        self._set = threads

    def note(self) -> None:
        """Record that the calling thread serves a request."""
        self._seen[threading.get_ident()] = self._clock()
        if len(self._seen) > MANY:
            self._seen = self._recent()

    def count(self) -> int:
        """Return the number of threads that serve requests, as `set_count` set it.

        If `set_count` was not called, return the number of threads that have served a request within RECENT seconds.
        """
        return self._set or len(self._recent())

    def _recent(self) -> dict[int, float]:
        since = self._clock() - RECENT
        # Iterate over a copy, because another thread can call `note` at any time.
        return {thread: at for thread, at in self._seen.copy().items() if at > since}


class WaitLimit:
    """A limit on the number of requests that wait for fetches. `serving` returns the number of threads that serve."""

    def __init__(self, *, serving: Callable[[], int]) -> None:
        self._serving = serving
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Replace the lock, and set the number of waiting requests to zero, after a fork.

        The waiting threads exist only in the parent process.
        """
        self._lock = threading.Lock()
        self._taken = 0

    @contextmanager
    def place(self, *, first: bool) -> Iterator[bool]:
        """Yield True if a request may wait for a fetch, and count it as waiting while the block runs.

        If the limit is reached, yield False, and do not count the request. The exception is a limit of 0: a first
        request may wait if no request waits for any fetch. `first` is True if no other request has waited for the same
        fetch.
        """
        lock = self._lock  # `reset_after_fork` can replace it while the block runs
        with lock:
            free = self._taken < self._serving() // 2 or (first and not self._taken)
            self._taken += free
        try:
            yield free
        finally:
            with lock:
                self._taken = max(0, self._taken - free)


_thread = threading.local()  # `_thread.is_background` is True in a thread that serves no requests


def mark_background() -> None:
    """Mark the calling thread as one that serves no requests. Its waits do not count toward the limit."""
    _thread.is_background = True


def is_background() -> bool:
    """Return True if the calling thread serves no requests."""
    return getattr(_thread, "is_background", False)


# The state of this process, for its lifetime. A forked process keeps only the number that `set_count` has set.
serving = ServingThreads(clock=time.monotonic)
wait_limit = WaitLimit(serving=serving.count)


def _renew() -> None:
    serving.reset_after_fork()
    wait_limit.reset_after_fork()


os.register_at_fork(after_in_child=_renew)
