"""A TCP proxy in front of a database. A test can run a function just before the proxy forwards a statement."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

CHUNK = 65536


class Tripwire:
    """A TCP proxy that forwards the client's bytes to the server `upstream`, and the server's bytes to the client.

    After `arm(marker, action)`, the proxy calls `action` once, before it forwards bytes that contain `marker`.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._armed: tuple[bytes, Callable[[], None]] | None = None
        self.tripped = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, marker: bytes, action: Callable[[], None]) -> None:
        self.tripped.clear()
        self._armed = (marker, action)

    def close(self) -> None:
        for sock in (self._listener, *self._connections):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(self._upstream)
                except OSError:  # the server is down: so it looks to the client
                    near.close()
                    continue
                self._connections += [near, far]
                threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                if is_request:
                    self._trip(data)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _trip(self, data: bytes) -> None:
        with self._lock:
            if self._armed is None or self._armed[0] not in data:
                return
            (_, action), self._armed = self._armed, None
            action()
            self.tripped.set()
