"""A circuit breaker: remembers that a dependency failed, so that not every request waits for it. Pure.

- Closed: every caller may ask.
- Open, for `pause` seconds after a failure: no caller may ask.
- After the pause one caller may ask, and no other for the next pause. Its success closes the circuit.
"""

import threading


class Circuit:
    """The state for one dependency; times are seconds of any one clock."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._failed_at: float | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Return True from a failure until the next success."""
        return self._failed_at is not None

    def admits(self, now: float) -> bool:
        """Return True if the caller may ask the dependency at `now`.

        The caller must then call `failed` after a failure, and `succeeded` after a success while the circuit is open.
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
