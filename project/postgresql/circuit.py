"""A circuit breaker: after a server did not answer, one thread tries again and the others fail at once.

- Closed: every thread tries.
- Open, for PAUSE seconds after a failure: no thread tries.
- Half-open, after the pause: the next thread gets LEASE seconds to try. An answer closes the circuit, a failure opens
  it again.
"""

import os
import threading
import time
from collections.abc import Callable

from project.postgresql.errors import NotTried

PAUSE = 1.0  # seconds
LEASE = 4.0  # seconds; longer than a request can wait
REASONS = {
    "answers": "the database did not answer a moment ago",
    "commits": "no synchronous standby acknowledged a commit a moment ago",
    "locks": "a lock was not available a moment ago",
}


class ServerCircuit:
    """The circuit breaker of one database, shared by the threads of one process."""

    def __init__(self, reason: str = "", *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reason, self._clock = reason, clock
        self._lock = threading.Lock()
        self._opens_again_at: float | None = None
        self._prober: int | None = None

    @property
    def is_open(self) -> bool:
        """Return True if the server has failed, and has not answered since."""
        return self._opens_again_at is not None

    def require(self) -> None:
        """Raise NotTried if the circuit forbids this thread to use the database.

        An open circuit forbids it to every thread. A half-open circuit permits it to one thread at a time.
        """
        if self._opens_again_at is None:
            return
        with self._lock:
            mine = threading.get_ident()
            if self._opens_again_at is None or self._prober == mine:
                return
            if self._clock() < self._opens_again_at:
                raise NotTried(self._reason)
            self._prober, self._opens_again_at = mine, self._clock() + LEASE

    def failed(self) -> None:
        """Open the circuit. Call this after the server did not answer."""
        with self._lock:
            self._prober, self._opens_again_at = None, self._clock() + PAUSE

    def answered(self) -> None:
        """Close the circuit. Call this after the server answered, also by an error message."""
        if self._opens_again_at is not None:
            with self._lock:
                self._prober, self._opens_again_at = None, None


class LockCircuit(ServerCircuit):
    """The circuit breaker for waits for locks. It closes PAUSE seconds after the last failure."""

    # It closes by time only, because no answer of the server says that locks are free.

    @property
    def is_open(self) -> bool:
        """Return True during the PAUSE seconds after the last failed wait for a lock."""
        opens_again_at = self._opens_again_at
        return opens_again_at is not None and self._clock() < opens_again_at

    def require(self) -> None:
        """Raise NotTried while the circuit is open."""
        if self.is_open:
            raise NotTried(self._reason)


class Circuits:
    """The circuit breakers of each database alias: for answers, for acknowledgements of commits, and for locks."""

    def __init__(self) -> None:
        self._circuits: dict[tuple[str, str], ServerCircuit] = {}

    def of(self, alias: str, kind: str) -> ServerCircuit:
        """Return the circuit breaker of a database.

        `alias` is the alias of the database. `kind` is "answers", "commits" or "locks".
        """
        circuit_class = LockCircuit if kind == "locks" else ServerCircuit
        return self._circuits.setdefault((alias, kind), circuit_class(REASONS[kind]))

    def states(self) -> list[tuple[str, str, bool]]:
        """Return the database alias and the kind of each circuit that was used, and True if the circuit is open."""
        return [(alias, kind, circuit.is_open) for (alias, kind), circuit in list(self._circuits.items())]

    def forget(self) -> None:
        """Replace all circuits by closed ones."""
        self._circuits = {}


circuits = Circuits()
"""The circuits of this process. Lives as long as the process."""
os.register_at_fork(after_in_child=circuits.forget)  # a thread of the parent can have held a lock
