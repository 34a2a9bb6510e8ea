"""Connections whose steps share one deadline.

Name resolution, connection, each write and each read have the remaining time as their timeout, so that a server which
sends one byte at a time cannot extend the deadline.
"""

import io
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult

from .resolve import lookups


def connect(parts: SplitResult, until: float, clock: Callable[[], float]) -> socket.socket:
    """Return a connection to the server of a URL, with TLS for https.

    Raises OSError if the connection fails, or is not complete by `until`, in seconds of `clock`.
    """
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    plain = _connect_to(host, parts.port or (443 if secure else 80), until, clock)
    if not secure:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def _connect_to(host: str, port: int, until: float, clock: Callable[[], float]) -> socket.socket:
    """Return a connection to the first address of `host` that answers.

    Raises OSError if no address answers by `until`, in seconds of `clock`.
    """
    problem: OSError = OSError("the host name has no address")
    for family, kind, protocol, _, address in lookups.addresses(host, port, timeout=_left(until, clock)):
        wire = socket.socket(family, kind, protocol)
        try:
            wire.settimeout(_left(until, clock))
            wire.connect(address)
        except OSError as error:
            wire.close()
            problem = error
        else:
            return wire
    raise problem


def _left(until: float, clock: Callable[[], float]) -> float:
    left = until - clock()
    if left <= 0:
        raise TimeoutError("no complete answer before the deadline")
    return left


class Wire:
    """A connection with the interface of a socket that http.client needs. Reads and writes fail at the deadline."""

    def __init__(self, wire: socket.socket, until: float, clock: Callable[[], float]) -> None:
        self._wire, self._until, self._clock = wire, until, clock

    def sendall(self, data: bytes) -> None:
        """Send all bytes. Raises OSError if the connection fails, or at the deadline."""
        self._wire.settimeout(_left(self._until, self._clock))
        self._wire.sendall(data)

    def receive(self, buffer: Any) -> int:
        """Read into `buffer`, and return the number of bytes. Raises OSError at the deadline."""
        self._wire.settimeout(_left(self._until, self._clock))
        return self._wire.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a buffered reader of this connection."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Do nothing. The caller closes the socket."""
        # http.client calls this method before it reads the body.


class _Reader(io.RawIOBase):
    """An adapter of `Wire` to the interface that io.BufferedReader reads from."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive(buffer)
