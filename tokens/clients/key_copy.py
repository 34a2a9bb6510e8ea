"""A cached copy of the keys at one address, refreshed in the background (stale-while-revalidate, single-flight). Pure.

If the copy has the request's `kid`, the copy's age decides. The age is the time since the start of the last fetch that
succeeded:
- Below REFRESH, the request uses the copy.
- From REFRESH to STALE, the request uses the copy and starts a fetch.
- From STALE to KEPT, the request starts a fetch and waits for it up to `patience`, because the client might have
  removed the key. The request uses the copy if the fetch fails or takes longer.
- Above KEPT, the copy is not used. The request is handled like one whose `kid` is unknown.

A request whose `kid` is unknown starts a fetch and waits for its end. The request fails with Undetermined if the fetch
takes longer than `patience`, or if `waiters` requests wait already. If the copy has a key without a `kid`, the request
does not wait, because that key might be the right one. PAUSE is the shortest time between the starts of two fetches.

Example with REFRESH 240 and STALE 300: the keys are fetched at 0 s. At 250 s, a request with a known kid uses the copy
and starts a fetch, which ends at 251 s. The copy's age is then 1 s. If there is no request until 310 s, the request at
310 s waits for the fetch.

Threads: readers take no lock, because a `Fetched` is immutable and replaced by one assignment. The lock guards a few
assignments and is never held during a fetch or a wait. The fetch, the clock and the start of a thread are arguments.
"""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tokens.jose.public_keys import ClientKey

logger = logging.getLogger(__name__)

REFRESH = 240.0  # seconds after which a request starts a fetch, and does not wait for it
STALE = 300.0  # seconds after which a request waits for the fetch
KEPT = 3600.0  # seconds for which a copy is used while the address does not answer
PAUSE = 30.0  # seconds between the starts of two fetches
WAITERS = 8  # requests that wait at once
PATIENCE = 2.0  # seconds that each of these requests waits at most; less than ANSWER_WITHIN

Keys = tuple[ClientKey, ...]


class Undetermined(Exception):
    """The keys are still being fetched, so it is unknown whether the client publishes the requested key."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The keys that a fetch returned, and the instant at which the fetch started."""

    keys: Keys = ()
    at: float = -math.inf
    """The instant at which the fetch started, in seconds of the injected clock."""


def in_a_thread(work: Callable[[], None]) -> None:
    """Run `work` in a short-lived thread."""
    threading.Thread(target=work, name="client-keys", daemon=True).start()


class KeyCopy:
    """The keys at one address, shared by all threads of a process.

    `fetch` returns the keys or raises an exception. `clock` returns monotonic seconds. `spawn` runs a function in a
    thread, and raises RuntimeError if there are too many threads. `room` is a semaphore that limits how many requests
    may wait for fetches. Copies of several addresses can share one `room`. If `room` is None, at most `waiters`
    requests may wait for this copy. A request waits at most `patience` seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], Keys],
        *,
        clock: Callable[[], float],
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
        waiters: int = WAITERS,
        patience: float = PATIENCE,
        room: threading.BoundedSemaphore | None = None,
    ) -> None:
        self._fetch, self._clock, self._spawn, self._patience = fetch, clock, spawn, patience
        self._lock, self._room = threading.Lock(), room or threading.BoundedSemaphore(waiters)
        self._fetched, self._started_at = Fetched(), -math.inf
        self._flight: threading.Event | None = None

    def find(self, kid: object) -> Keys:
        """Return all keys of the copy. Wait for a fetch first if the copy is stale, or if no key has this `kid`.

        A `kid` of None fits every key. In two cases, there is no wait:

        1. No key has this `kid`, but a key of the copy has no `kid`. A fetch is started unless case 2 applies.
        2. No fetch is in progress, and the last fetch started less than PAUSE ago. No fetch is started.

        Returns no keys if there is no usable copy and the fetch fails. Raises Undetermined if no key has this `kid`,
        and the fetch does not end in time or too many requests wait already.
        """
        keys, age = self._usable()
        if any(kid in {None, key.kid} for key in keys):
            flight = self._start() if age >= REFRESH else None
            if flight is None or age < STALE:
                return keys
            self._wait(flight)
            return self._usable()[0]
        flight = self._start()
        # A key without a `kid` might be the requested key. The caller tries this key now.
        might_match = any(key.kid is None for key in keys)
        if flight is not None and not might_match and not self._wait(flight):
            raise Undetermined
        return self._usable()[0]

    def _usable(self) -> tuple[Keys, float]:
        """Return the keys of the copy and its age in seconds. Returns no keys if the copy is older than KEPT."""
        fetched, now = self._fetched, self._clock()
        age = now - fetched.at
        return (fetched.keys if age <= KEPT else ()), age

    def _start(self) -> threading.Event | None:
        """Start a fetch unless one is in progress. Return the event that is set when the fetch ends.

        Returns None if no fetch is in progress, and the last fetch started less than PAUSE ago.
        """
        with self._lock:
            if self._flight is not None:
                return self._flight
            now = self._clock()
            if now - self._started_at < PAUSE:
                return None
            self._started_at, self._flight = now, threading.Event()
            flight = self._flight
        try:
            self._spawn(partial(self._run, flight, now))
        except RuntimeError:  # too many threads: handled like a network failure, which is temporary as well
            self._end(flight)
        return flight

    def _wait(self, flight: threading.Event) -> bool:
        """Wait until the fetch ends. Returns False if the fetch takes too long, or too many requests wait already."""
        if flight.is_set():
            return True
        # Bounded: otherwise assertions in the name of one client, whose address is slow, could hold every thread.
        if not self._room.acquire(blocking=False):
            return False
        try:
            return flight.wait(self._patience)
        finally:
            self._room.release()

    def _run(self, flight: threading.Event, started: float) -> None:
        """Fetch the keys, and store them with `started`, the start of this fetch. Sets `flight` when the fetch ends.

        If the fetch fails, logs a warning and keeps the old keys.
        """
        try:
            self._fetched = Fetched(self._fetch(), started)
        except Exception as error:  # noqa: BLE001 (an exception would end the thread unseen; any one is a failed fetch)
            logger.warning("The keys of a client could not be fetched from its jwks_uri: %s", error)
        finally:
            self._end(flight)

    def _end(self, flight: threading.Event) -> None:
        # Cleared before waiters wake, so that a waiter that asks again can start the next fetch.
        with self._lock:
            self._flight = None
        flight.set()
