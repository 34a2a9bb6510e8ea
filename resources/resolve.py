"""One name looked up within a given time, although the system's resolver knows no deadline.

Owns the threads in which it may hang: one per name, however many ask meanwhile.
"""

import os
import socket
import threading
from concurrent.futures import Future
from typing import Any

Addresses = list[tuple[Any, ...]]
"""As socket.getaddrinfo gives them: family, type, protocol, name, address."""


class Lookups:
    """The names that are being looked up."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget the threads of another process (after a fork)."""
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, int], Future[Addresses]] = {}

    def addresses(self, host: str, port: int, *, timeout: float) -> Addresses:
        """Where `host` can be reached; raises OSError, and TimeoutError after `timeout` seconds."""
        with self._lock:
            lookup = self._pending.get((host, port)) or self._start(host, port)
        try:
            return lookup.result(timeout)
        except TimeoutError:
            raise TimeoutError("its name was not resolved in time") from None

    def _start(self, host: str, port: int) -> "Future[Addresses]":
        lookup: Future[Addresses] = Future()
        try:
            threading.Thread(target=self._look_up, args=(host, port, lookup), name="resources-dns", daemon=True).start()
        except RuntimeError as error:  # no more threads: as bad as no network, and as temporary
            raise OSError(str(error)) from error
        self._pending[host, port] = lookup
        return lookup

    def _look_up(self, host: str, port: int, lookup: "Future[Addresses]") -> None:
        try:
            lookup.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 (whoever asked is told: whatever it was, there is no address)
            lookup.set_exception(error)
        with self._lock:
            self._pending.pop((host, port), None)


lookups = Lookups()
os.register_at_fork(after_in_child=lookups.renew)
