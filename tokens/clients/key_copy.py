"""A copy of the keys that a client publishes: how long it serves, who fetches it anew, and who waits for that. Pure.

The fetch, the clock and the way to start a thread are arguments. Readers take no lock: what they read is immutable and
swapped by one assignment. The lock guards a few assignments, and is never held while anybody fetches or waits.
"""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tokens.jose.public_keys import ClientKey

logger = logging.getLogger(__name__)

REFRESH = 240.0  # seconds after which a copy that is used is fetched anew, while it serves on
STALE = 300.0  # seconds after which what a fetch brings counts before the copy does, where it comes in time
KEPT = 3600.0  # seconds that a copy serves while the address does not answer
PAUSE = 30.0  # seconds between two fetches
WAITERS = 8
PATIENCE = 2.0  # seconds that each of them waits

Keys = tuple[ClientKey, ...]


class Undetermined(Exception):
    """The keys are being fetched, and nobody knows yet whether the one that is looked for is among them."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch brought; the instant is of the injected clock, and counts from when the fetch began."""

    keys: Keys = ()
    at: float = -math.inf


def in_a_thread(work: Callable[[], None]) -> None:
    """Run `work` in a short-lived thread."""
    threading.Thread(target=work, name="client-keys", daemon=True).start()


class KeyCopy:
    """The keys at one address, for all threads of a process.

    `fetch` gives them, or raises; `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        fetch: Callable[[], Keys],
        *,
        clock: Callable[[], float],
        spawn: Callable[[Callable[[], None]], None] = in_a_thread,
        waiters: int = WAITERS,
        patience: float = PATIENCE,
    ) -> None:
        self._fetch, self._clock, self._spawn, self._patience = fetch, clock, spawn, patience
        self._lock, self._room = threading.Lock(), threading.BoundedSemaphore(waiters)
        self._fetched, self._asked_at = Fetched(), -math.inf
        self._flight: threading.Event | None = None

    def find(self, kid: object) -> Keys:
        """The keys, fetched anew where `kid` is not among them; none where they cannot be had. Raises Undetermined.

        A kid that is there waits for nobody while the copy is fresh, and no longer than a fetch that may tell that its
        client took it away; nor does one wait that may mean a key without a name, or an assertion without a kid. Any
        other waits for one fetch.
        """
        keys, age = self._served()
        if any(kid in {None, key.kid} for key in keys):
            flight = self._start() if age >= REFRESH else None
            if flight is None or age < STALE:
                return keys
            self._landed(flight)
            return self._served()[0]
        flight = self._start()
        may_be_there = any(key.kid is None for key in keys)
        if flight is not None and not may_be_there and not self._landed(flight):
            raise Undetermined
        return self._served()[0]

    def _served(self) -> tuple[Keys, float]:
        """The keys that may be used now, and for how many seconds they are known."""
        fetched, now = self._fetched, self._clock()
        age = now - fetched.at
        return (fetched.keys if age <= KEPT else ()), age

    def _start(self) -> threading.Event | None:
        """The fetch under way, or a new one; None within PAUSE of the last one."""
        with self._lock:
            if self._flight is not None:
                return self._flight
            now = self._clock()
            if now - self._asked_at < PAUSE:
                return None
            self._asked_at, self._flight = now, threading.Event()
            flight = self._flight
        try:
            self._spawn(partial(self._fly, flight, now))
        except RuntimeError:  # no more threads: as bad as no network, and as temporary
            self._land(flight)
        return flight

    def _landed(self, flight: threading.Event) -> bool:
        """Wait until the fetch is over; False where too many wait already, or it takes too long."""
        if flight.is_set():
            return True
        if not self._room.acquire(blocking=False):
            return False
        try:
            return flight.wait(self._patience)
        finally:
            self._room.release()

    def _fly(self, flight: threading.Event, started: float) -> None:
        try:
            self._fetched = Fetched(self._fetch(), started)
        except Exception as error:  # noqa: BLE001 (a thread has nobody to tell: whatever it was, the fetch failed)
            logger.warning("The keys of a client cannot be had: %s", error)
        finally:
            self._land(flight)

    def _land(self, flight: threading.Event) -> None:
        with self._lock:
            self._flight = None
        flight.set()
