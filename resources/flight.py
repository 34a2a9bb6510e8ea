"""One fetch at a time: who starts it, who may wait for it and how long, and when to try again after a failure.

Pure state: the job, the clock and the way to start a thread are arguments. Its lock guards a few assignments and is
never held while a job runs or anybody waits.
"""

import logging
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from weakref import WeakSet

from resources import thread_limit
from resources.thread_limit import WaitingRoom

logger = logging.getLogger(__name__)

T = TypeVar("T")

_here = threading.local()  # `_here.flying` is set in the thread of a fetch during the fetch

GRACE = 1.0  # seconds after its deadline until a flight that says nothing (a resolver that hangs) is given up


@dataclass(slots=True, eq=False)
class Flight:
    """One fetch under way; `done` is set when it has landed, whatever came of it."""

    started: float
    forced: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    waited_for: bool = False


def in_a_thread(work: Callable[[], None]) -> None:
    """Run `work` in a short-lived thread."""
    threading.Thread(target=work, name="resources-fetch", daemon=True).start()


class Flights(Generic[T]):
    """The fetches of one source. `clock` gives seconds that never go back; `job` does the fetch, or raises.

    `keep` takes what a flight brought, under the lock, unless the flight was given up meanwhile.
    """

    def __init__(
        self,
        job: Callable[[Flight], T],
        keep: Callable[[Flight, T], None],
        *,
        clock: Callable[[], float],
        deadline: float,
        waiters: int,
        patience: float,
        longest_backoff: float,
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
        room: WaitingRoom | None = None,
    ) -> None:
        self._job, self._keep = job, keep
        self._room = room or thread_limit.room
        self._clock = clock
        self._spawn = spawn
        self._deadline, self._waiters = deadline, waiters
        self._patience, self._longest_backoff = patience, longest_backoff
        self._waiting = 0
        self._backoff = 0.0
        self.next_attempt = -math.inf
        self.attempts = self.failures = 0
        self.last_error = ""
        self.renew()
        _all.add(self)

    def renew(self) -> None:
        """Forget whatever another process was in the midst of (after a fork: its threads and locks are not ours)."""
        self._lock = threading.Lock()
        self._flight: Flight | None = None
        self._waiting = 0

    def current(self) -> Flight | None:
        """The flight under way, if there is one."""
        flight = self._flight
        if flight is None or self._clock() > flight.started + self._deadline + GRACE:
            return None
        return flight

    def start(self, *, forced: bool = False, allowed: Callable[[], bool] = lambda: True) -> Flight | None:
        """The flight under way, or a new one; None while backing off, or when `allowed` says no.

        `allowed` is asked last, under the lock: there it can see whether the flight is still needed, and pay for it.
        """
        with self._lock:
            if flight := self.current():
                return flight
            self._give_up()
            if self._clock() < self.next_attempt or not allowed():
                return None
            flight = self._flight = Flight(self._clock(), forced)
            self.attempts += 1
        try:
            self._spawn(lambda: self._fly(flight))
        except RuntimeError as error:  # no more threads: as bad as no network, and as temporary
            self._land(flight, error=error)
        return flight

    def wait(self, flight: Flight) -> bool:
        """Wait until `flight` has landed; False if the waiting room is full or patience ran out."""
        if flight.done.is_set():
            return True
        if thread_limit.is_background():  # it takes no request's place
            return flight.done.wait(self._patience)
        with self._lock:
            if self._waiting >= self._waiters:
                return False
            self._waiting += 1
            first, flight.waited_for = not flight.waited_for, True
            lock = self._lock
        try:
            if getattr(_here, "flying", False):  # this thread serves no requests, so it needs no place
                return flight.done.wait(self._patience)
            with self._room.place(first=first) as admitted:
                return admitted and flight.done.wait(self._patience)
        finally:
            with lock:
                self._waiting = max(0, self._waiting - 1)

    def retry_after(self) -> int:
        """Whole seconds until asking again may help, at least 1."""
        return max(1, math.ceil(self.next_attempt - self._clock())) if math.isfinite(self.next_attempt) else 1

    def _fly(self, flight: Flight) -> None:
        outer, _here.flying = getattr(_here, "flying", False), True
        try:
            brought = self._job(flight)
        except Exception as error:  # noqa: BLE001 (a thread has nobody to tell: whatever it was, the fetch failed)
            self._land(flight, error=error)
        else:
            self._land(flight, brought=brought)
        finally:
            _here.flying = outer

    def _land(self, flight: Flight, *, brought: T | None = None, error: Exception | None = None) -> None:
        with self._lock:
            if self._flight is flight:  # else it was given up, and what it brings must not be used
                self._flight = None
                if error is None:
                    self._keep(flight, cast("T", brought))
                self._record(error)
        flight.done.set()

    def _give_up(self) -> None:
        if (flight := self._flight) is not None:
            self._flight = None
            self._record(TimeoutError("no answer in time"))
            flight.done.set()

    def _record(self, error: Exception | None) -> None:
        if error is None:
            self._backoff, self.next_attempt, self.last_error = 0.0, -math.inf, ""
            return
        self.failures += 1
        self.last_error = str(error) or type(error).__name__
        self._backoff = min(self._longest_backoff, self._backoff * 2 or 1.0)
        self.next_attempt = self._clock() + self._backoff
        logger.warning("fetch failed, next attempt in %.0f s: %s", self._backoff, self.last_error)


_all: "WeakSet[Flights[Any]]" = WeakSet()


def _renew_all() -> None:
    for flights in list(_all):
        flights.renew()


os.register_at_fork(after_in_child=_renew_all)
