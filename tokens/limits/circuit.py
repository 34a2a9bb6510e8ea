"""A circuit breaker: remembers that a dependency failed, so that not every request waits for it. Pure.

- Closed: every caller may call the dependency.
- Open, for `pause` seconds after a failure: no caller may call it.
- After the pause, one caller may call it, which begins another pause for all other callers.
- A successful call closes the circuit.
"""

import threading


class Circuit:
    """A circuit breaker for one dependency. All times are seconds of one clock."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._failed_at: float | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Return True from a failure until the next success."""
        return self._failed_at is not None

    def begin_call(self, now: float) -> bool:
        """Begin a call of the dependency at `now`. Returns False if the caller may not call the dependency.

        While the circuit is open, calls are refused for a pause. Then one caller may make a trial call (half-open), and
        other callers are refused for another pause. The caller must report each failure by `failed`, and the success of
        a trial call by `succeeded`.
        """
        with self._lock:
            if self._failed_at is None:
                return True
            if self._failed_at <= now < self._failed_at + self._pause:
                return False
            # The pause is over, or the clock was set back. Other callers wait for another pause.
            self._failed_at = now
            return True

    def failed(self, now: float) -> None:
        """Open the circuit."""
        with self._lock:
            self._failed_at = now

    def succeeded(self) -> None:
        """Close the circuit."""
        with self._lock:
            self._failed_at = None
