"""Host name resolution with a timeout, which the system's resolver does not have.

- A look-up runs in a thread of its own, which hangs as long as the resolver hangs.
- Look-ups are single-flight: requests for the same host and port wait for the same thread.
"""

import os
import socket
import threading
from concurrent.futures import Future
from typing import Any

Addresses = list[tuple[Any, ...]]
"""The result of socket.getaddrinfo: tuples of family, type, protocol, canonical name and address."""


class Lookups:
    """The look-ups of host names that are running in this process."""

    def __init__(self) -> None:
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Forget the running look-ups, and replace the lock, after a fork."""
        # The threads of the look-ups, and a thread that holds the lock, exist only in the parent process.
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, int], Future[Addresses]] = {}

    def addresses(self, host: str, port: int, *, timeout: float) -> Addresses:
        """Return the addresses of `host`, for connections to `port`.

        Raises OSError if the look-up fails, and TimeoutError if it takes longer than `timeout` seconds.
        """
        with self._lock:
            lookup = self._pending.get((host, port)) or self._start(host, port)
        try:
            return lookup.result(timeout)
        except TimeoutError:
            raise TimeoutError("the host name was not resolved in time") from None

    def _start(self, host: str, port: int) -> "Future[Addresses]":
        lookup: Future[Addresses] = Future()
        try:
            threading.Thread(target=self._look_up, args=(host, port, lookup), name="resources-dns", daemon=True).start()
        except RuntimeError as error:  # the process has too many threads; temporary, like a network failure
            raise OSError(str(error)) from error
        self._pending[host, port] = lookup
        return lookup

    def _look_up(self, host: str, port: int, lookup: "Future[Addresses]") -> None:
        try:
            lookup.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 (the waiting requests get the error)
            lookup.set_exception(error)
        with self._lock:
            self._pending.pop((host, port), None)


lookups = Lookups()
os.register_at_fork(after_in_child=lookups.reset_after_fork)
