"""The connections that the threads of one serving process share (DATABASE_CONNECTIONS).

- A thread has a connection only for the time of one statement or one transaction (`base.DatabaseWrapper`).
- Waiting threads get connections in the order in which they began to wait.
- No thread waits for a second connection while it has one. A request in a transaction can wait for a thread that runs
  the deployment's claims hook (tokens/claims/worker.py). So the threads of the hook have connections of their own.

Worked example, with two connections: two requests wait for a row that another program has locked. A third request waits
for a connection. The first two requests fail after LOCK_SHARE (a quarter) of the time for a statement, and the third
gets a connection. During the next second, each wait for a lock ends after CROWDED seconds (`Connection.begin`).
"""

import os
import threading
import time
from collections import deque

from project.postgresql.connection import Connection
from project.postgresql.errors import NoConnection

MAX_AGE = 600.0
"""Seconds after which a connection is replaced, so that its process at the server does not grow without limit."""


APART = frozenset({"claims"})
"""The names of threads that have connections of their own (tokens/claims/worker.py)."""


class _Place:
    """A waiting thread. `connection` is the connection that the thread gets, or None if it may open one."""

    def __init__(self) -> None:
        self.given = threading.Event()
        self.connection: Connection | None = None


class Pool:
    """Up to `size` connections to one database."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._open = 0
        self._waiting: deque[_Place] = deque()

    def take(self, within: float) -> Connection | None:
        """Return an idle connection, or None if the caller must open one. Waits for at most `within` seconds.

        Raises NoConnection if no connection becomes free in this time. The caller must pass the connection that it got
        or opened to `put`. If the caller has closed the connection, or could not open one, it must call `closed`
        instead.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._open < self._size:
                self._open += 1
                return None
            place = _Place()
            self._waiting.append(place)
        if not place.given.wait(within):
            with self._lock:
                if not place.given.is_set():
                    self._waiting.remove(place)
                    raise NoConnection(NoConnection.reason)
        return place.connection

    def put(self, connection: Connection) -> None:
        """Return a connection to the pool. Pass it on to the thread that has waited longest, if a thread waits.

        The connection must be outside of a transaction. A connection that is older than MAX_AGE is closed.
        """
        if connection.closed or time.monotonic() - connection.opened_at > MAX_AGE:
            connection.close()
            self.closed()
            return
        with self._lock:
            if self._waiting:
                place = self._waiting.popleft()
                place.connection = connection
                place.given.set()
            else:
                self._idle.append(connection)

    def closed(self) -> None:
        """Allow another thread to open a connection. Call this after a connection was closed or could not be opened."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().given.set()
            else:
                self._open -= 1


_size = 0
_pools: dict[str, Pool] = {}
"""The pools of this process by database alias, for its lifetime. Without `share`, no connection is shared."""


def share(size: int) -> None:
    """Let the threads of this process share `size` connections to each database. If `size` is 0, none are shared."""
    global _size  # noqa: PLW0603 (set once, when a process begins to serve)
    _size = size
    _pools.clear()


def of(alias: str) -> Pool | None:
    """Return the pool of a database, or None if the calling thread has a connection of its own."""
    if not _size or threading.current_thread().name in APART:
        return None
    return _pools.get(alias) or _pools.setdefault(alias, Pool(_size))


os.register_at_fork(after_in_child=_pools.clear)
