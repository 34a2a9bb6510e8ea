"""Single-flight fetches of one source: concurrent requests share a fetch, and a failed fetch is retried later.

- At most one fetch runs at a time. All requests that need the fetch share it.
- At most `waiters` requests wait for a fetch, each for `patience` seconds. WaitLimit bounds the sum over all sources.
- After a failure, no fetch starts for 1 s, then 2, 4, … up to `longest_backoff` seconds (exponential backoff).
- A fetch that has not ended GRACE seconds after its deadline counts as failed. Its late result is dropped.
- The lock is held only for a few assignments, and never while a job runs or a request waits.

Pure state: the job, the clock and the function that starts a thread are arguments.
"""

import logging
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from weakref import WeakSet

from .. import thread_limit
from ..thread_limit import WaitLimit

logger = logging.getLogger(__name__)

T = TypeVar("T")

_thread = threading.local()  # `_thread.is_fetching` is True in the thread of a fetch, during the fetch

GRACE = 1.0  # seconds; a job whose resolver hangs does not end at its own deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of the fetches of one source. Times are in seconds."""

    deadline: float
    """The longest time for a fetch."""
    waiters: int
    """The most requests that may wait for a fetch."""
    patience: float
    """The longest time for which a request waits."""
    longest_backoff: float
    """The longest pause between two fetches after failures."""


@dataclass(slots=True, eq=False)
class Flight:
    """A fetch that runs. `done` is set when the fetch succeeds or fails."""

    started: float
    forced: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    waited_for: bool = False


def in_a_thread(work: Callable[[], None]) -> None:
    """Start a thread that runs `work`, and return at once, without waiting for `work`."""
    threading.Thread(target=work, name="resources-fetch", daemon=True).start()


class Flights(Generic[T]):
    """The fetches of one source. At most one fetch (flight) runs at a time.

    - `job` fetches the source and returns the result, or raises.
    - `keep` stores the result of a flight. It is called while the lock of this object is held. It is not called for a
      flight that ends too late, because such a flight already counts as failed.
    - `clock` returns monotonic seconds. `spawn` runs a function in a thread.
    """

    def __init__(
        self,
        job: Callable[[Flight], T],
        keep: Callable[[Flight, T], None],
        *,
        clock: Callable[[], float],
        limits: Limits,
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
        wait_limit: WaitLimit | None = None,
    ) -> None:
        self._job, self._keep = job, keep
        self._wait_limit = wait_limit or thread_limit.wait_limit
        self._clock = clock
        self._spawn = spawn
        self._limits = limits
        self._waiting = 0
        self._backoff = 0.0
        self.next_attempt = -math.inf
        self.attempts = self.failures = 0
        self.last_error = ""
        self.reset_after_fork()
        _all.add(self)

    def reset_after_fork(self) -> None:
        """Replace the lock and forget the running fetch after a fork.

        The thread that fetches exists only in the parent process.
        """
        self._lock = threading.Lock()
        self._flight: Flight | None = None
        self._waiting = 0

    def current(self) -> Flight | None:
        """Return the running flight. Returns None if no flight runs, or if the flight is overdue."""
        flight = self._flight
        if flight is None or self._clock() > flight.started + self._limits.deadline + GRACE:
            return None
        return flight

    def start(self, *, forced: bool = False, condition: Callable[[], bool] = lambda: True) -> Flight | None:
        """Return the running fetch (flight), or start a fetch and return it.

        Returns None if no fetch runs and none may start: during the backoff, or if `condition()` returns False. If
        `forced` is True, a fetch that starts bypasses HTTP caches. A running fetch is returned even if it uses them.
        """
        # `condition` is called last and under the lock. Thus two threads cannot both find that a fetch is needed, and a
        # rate limit in `condition` counts only fetches that really start.
        with self._lock:
            if flight := self.current():
                return flight
            self._give_up()
            if self._clock() < self.next_attempt or not condition():
                return None
            flight = self._flight = Flight(self._clock(), forced)
            self.attempts += 1
        try:
            self._spawn(lambda: self._fly(flight))
        except RuntimeError as error:  # the process has too many threads; temporary, like a network failure
            self._land(flight, error=error)
        return flight

    def wait(self, flight: Flight) -> bool:
        """Wait until `flight` has succeeded or failed, and return True.

        Returns False if too many requests wait already, or if the flight does not end within `patience` seconds.
        """
        if flight.done.is_set():
            return True
        if thread_limit.is_background():  # a thread that serves no requests is not limited
            return flight.done.wait(self._limits.patience)
        with self._lock:
            if self._waiting >= self._limits.waiters:
                return False
            self._waiting += 1
            first, flight.waited_for = not flight.waited_for, True
            lock = self._lock  # `reset_after_fork` can replace it before this request has stopped waiting
        try:
            if getattr(_thread, "is_fetching", False):  # this thread fetches for another source, and serves no requests
                return flight.done.wait(self._limits.patience)
            with self._wait_limit.place(first=first) as admitted:
                return admitted and flight.done.wait(self._limits.patience)
        finally:
            with lock:
                self._waiting = max(0, self._waiting - 1)

    def retry_after(self) -> int:
        """Return the whole seconds until a retry can succeed, at least 1."""
        return max(1, math.ceil(self.next_attempt - self._clock())) if math.isfinite(self.next_attempt) else 1

    def _fly(self, flight: Flight) -> None:
        """Run the fetch of `flight`, and hand its result or its error to the waiting requests."""
        outer, _thread.is_fetching = getattr(_thread, "is_fetching", False), True
        try:
            result = self._job(flight)
        except Exception as error:  # noqa: BLE001 (after any error the fetch has failed, and waiting requests must know)
            self._land(flight, error=error)
        else:
            self._land(flight, result=result)
        finally:
            _thread.is_fetching = outer

    def _land(self, flight: Flight, *, result: T | None = None, error: Exception | None = None) -> None:
        with self._lock:
            if self._flight is flight:  # otherwise it was given up, and must not overwrite a newer result
                self._flight = None
                if error is None:
                    self._keep(flight, cast("T", result))
                self._record(error)
        flight.done.set()

    def _give_up(self) -> None:
        if (flight := self._flight) is not None:
            self._flight = None
            self._record(TimeoutError("no answer before the deadline"))
            flight.done.set()

    def _record(self, error: Exception | None) -> None:
        if error is None:
            self._backoff, self.next_attempt, self.last_error = 0.0, -math.inf, ""
            return
        self.failures += 1
        self.last_error = str(error) or type(error).__name__
        self._backoff = min(self._limits.longest_backoff, self._backoff * 2 or 1.0)
        self.next_attempt = self._clock() + self._backoff
        logger.warning("Fetch failed; next attempt in %.0f s: %s", self._backoff, self.last_error)


_all: "WeakSet[Flights[Any]]" = WeakSet()


def _renew_all() -> None:
    for flights in list(_all):
        flights.reset_after_fork()


os.register_at_fork(after_in_child=_renew_all)
