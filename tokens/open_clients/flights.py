"""Runs at most one fetch at a time for each address (single-flight), and remembers its outcome for a short time. Pure.

- Requests that need the same document wait for the same fetch, each up to `patience` seconds. A fetch that takes longer
  continues, and a later request gets the fetch's outcome.
- An outcome, also a failure, is reused for KEPT seconds. Otherwise each request for an unreachable document would start
  a fetch and wait.
- The draft forbids caching errors (client ID metadata documents, draft 02 section 5.2). So KEPT is short, and outcomes
  are kept in memory only.
- At most FLIGHTS fetches run at once, and at most WAITERS requests wait. Further requests get StillFetching.

A lock guards the running fetches and the remembered outcomes. No thread holds the lock while it fetches or waits. The
functions that fetch, read the clock and start a thread are arguments of `Flights`.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

KEPT = 30.0  # seconds
REMEMBERED = 1024
"""The most outcomes that are remembered. A further outcome replaces the oldest."""
FLIGHTS = 8
WAITERS = 4
"""The most requests that wait at once: fewer than the threads for requests (project/front/lanes.py)."""
PATIENCE = 2.0  # seconds, less than ANSWER_WITHIN

T = TypeVar("T")


class StillFetching(Exception):
    """The fetch continues and has no result yet, or did not start because too many other fetches are running."""


@dataclass(slots=True)
class Flight(Generic[T]):
    """A fetch of one address, which runs or has ended. After its end, `value` or `error` is the outcome."""

    ended: threading.Event = field(default_factory=threading.Event)
    value: T | None = None
    error: Exception | None = None
    at: float = 0.0
    """The instant at which the fetch ended, in seconds of the injected clock."""


def in_a_thread(work: Callable[[], None]) -> None:
    """Run `work` in a short-lived thread."""
    threading.Thread(target=work, name="client-document", daemon=True).start()


class Flights(Generic[T]):
    """The running fetches of a process, and the remembered outcomes of earlier fetches.

    The constructor's argument `fetch` is called with an address, and returns a value or raises an exception.
    """

    def __init__(
        self,
        fetch: Callable[[str], T],
        *,
        clock: Callable[[], float],
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
        patience: float = PATIENCE,
    ) -> None:
        self._fetch, self._clock, self._spawn, self._patience = fetch, clock, spawn, patience
        self._lock, self._room = threading.Lock(), threading.BoundedSemaphore(WAITERS)
        self._running: dict[str, Flight[T]] = {}
        self._outcomes: OrderedDict[str, Flight[T]] = OrderedDict()

    def is_due(self, address: str) -> bool:
        """Return True if `get` would start a fetch: no fetch of the address runs, and no outcome is remembered."""
        with self._lock:
            return address not in self._running and self._remembered(address) is None

    def has_value(self, address: str) -> bool:
        """Return True if the remembered outcome for the address is a value, not a failure."""
        with self._lock:
            outcome = self._remembered(address)
            return outcome is not None and outcome.error is None

    def get(self, address: str) -> T:
        """Return the value that was fetched from the address.

        Raises the exception of the fetch if the fetch failed. Raises StillFetching if the fetch takes too long, or if
        too many fetches run or too many requests wait.
        """
        flight = self._join(address)
        if not self._has_ended(flight):
            raise StillFetching
        if flight.error is not None:
            # Each raise adds frames to the traceback. It is reset, so that it does not keep earlier requests alive.
            raise flight.error.with_traceback(None)
        return flight.value  # type: ignore[return-value] # set, because there is no error

    def forget(self) -> None:
        """Delete every remembered outcome of a fetch."""
        with self._lock:
            self._outcomes.clear()

    def _remembered(self, address: str) -> Flight[T] | None:
        outcome = self._outcomes.get(address)
        return outcome if outcome is not None and self._clock() - outcome.at < KEPT else None

    def _join(self, address: str) -> Flight[T]:
        """Return the Flight of the address: the running one, else the remembered one, else a new one that is started.

        Raises StillFetching if FLIGHTS fetches run already, or if no further thread can start.
        """
        with self._lock:
            flight_or_outcome = self._running.get(address) or self._remembered(address)
            if flight_or_outcome is not None:
                return flight_or_outcome
            if len(self._running) >= FLIGHTS:
                raise StillFetching
            flight = self._running[address] = Flight()
        try:
            self._spawn(partial(self._run, address, flight))
        except RuntimeError as error:  # too many threads
            flight.error = StillFetching()  # for requests that have joined this flight
            self._end(address, flight)
            raise StillFetching from error
        return flight

    def _has_ended(self, flight: Flight[T]) -> bool:
        """Wait until the fetch ends, and return True.

        Returns False if the fetch takes longer than `patience` seconds, or if WAITERS requests wait already.
        """
        if flight.ended.is_set():
            return True
        if not self._room.acquire(blocking=False):
            return False
        try:
            return flight.ended.wait(self._patience)
        finally:
            self._room.release()

    def _run(self, address: str, flight: Flight[T]) -> None:
        """Fetch the address, store the result or the exception in `flight`, and wake its waiting requests.

        The outcome is remembered for KEPT seconds. If more than REMEMBERED outcomes are kept, the oldest is forgotten.
        """
        try:
            flight.value = self._fetch(address)
        except Exception as error:  # noqa: BLE001 (an exception would end the thread unseen; `get` raises it)
            flight.error = error
        flight.at = self._clock()
        with self._lock:
            self._outcomes[address] = flight
            self._outcomes.move_to_end(address)
            if len(self._outcomes) > REMEMBERED:
                self._outcomes.popitem(last=False)
        self._end(address, flight)

    def _end(self, address: str, flight: Flight[T]) -> None:
        with self._lock:
            self._running.pop(address, None)
        flight.ended.set()
