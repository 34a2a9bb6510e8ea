"""A TCP proxy in front of a database or of several issuers. A test can close the proxy and open it again."""

import itertools
import socket
import threading
from contextlib import suppress

from tests.ports import free

CHUNK = 65536


class Proxy:
    """Passes each connection on to the next of the servers `upstreams`, in turn.

    If a server refuses the connection, the proxy tries the next one. A closed proxy resets its connections and refuses
    new ones.
    """

    def __init__(self, *upstreams: tuple[str, int]) -> None:
        self._turns = itertools.cycle(upstreams)
        self._upstreams = len(upstreams)
        self._connections: list[socket.socket] = []
        self.port = free()  # the kernel gives a port of its own choice to other connections while this is closed
        self.open()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def close(self) -> None:
        for sock in (self._listener, *self._connections):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._connections = []

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                if (far := self._connected()) is None:
                    near.close()
                    continue
                self._connections += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, target), daemon=True).start()

    def _connected(self) -> socket.socket | None:
        for _ in range(self._upstreams):
            with suppress(OSError):
                return socket.create_connection(next(self._turns))
        return None


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
