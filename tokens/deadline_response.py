"""Reads an HTTP response within a deadline, for `outbound`."""

import http.client
import io
import socket
import time
from typing import Any


def remaining(until: float) -> float:
    """Return the seconds until `until`, a deadline in monotonic seconds. Raises TimeoutError if it has passed."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("no complete answer in time")
    return seconds


class TimedResponse(http.client.HTTPResponse):
    """An HTTP response that must be read before a deadline."""

    # A socket's timeout is not a deadline: it begins again with each read.
    def __init__(self, wire: socket.socket, until: float) -> None:
        super().__init__(wire)
        self.fp = io.BufferedReader(_Reader(wire, until))


class _Reader(io.RawIOBase):
    def __init__(self, wire: socket.socket, until: float) -> None:
        self._wire, self._until = wire, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._wire.settimeout(remaining(self._until))
        return self._wire.recv_into(buffer)
