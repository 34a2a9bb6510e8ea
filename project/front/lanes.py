"""Lanes: threads and a bounded queue for each kind of request, so that no kind can occupy the threads of another.

| lane     | serves                                                                                     |
|----------|--------------------------------------------------------------------------------------------|
| alive    | /healthz, which needs no database                                                              |
| ready    | /readyz, which queries the database                                                           |
| public   | /.well-known/: the JWKS and metadata, which do not need the database within its snapshot age |
| work     | everything else                                                                            |
"""

import queue
import threading
from collections.abc import Callable

Job = Callable[[], None]

WORK_THREADS = 8
THREADS = {"alive": 1, "ready": 1, "public": 2, "work": WORK_THREADS}
WAITING = 128
"""Requests that can wait for a thread of a lane. Further ones get 503 at once."""
PROBES = {"/healthz": "alive", "/readyz": "ready"}
PUBLIC = "/.well-known/"


class Full(Exception):
    """The queue of the lane is full."""


class Lane:
    """Daemon threads that run jobs in order. A job must catch its own exceptions."""

    def __init__(self, name: str, threads: int, *, waiting: int = WAITING) -> None:
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._waiting = waiting
        for number in range(threads):
            # daemons, so that a thread that hangs in a system call does not keep the process from ending
            threading.Thread(target=self._serve, name=f"{name}-{number + 1}", daemon=True).start()

    def put(self, job: Job) -> None:
        """Queue a job. Raises Full. Called by one thread, the event loop's."""
        if self._jobs.qsize() >= self._waiting:
            raise Full
        self._jobs.put(job)

    def _serve(self) -> None:
        while True:
            self._jobs.get()()


def lane_of(path: str) -> str:
    """Return the name of the lane that serves `path`, which begins after the issuer's mount path."""
    return PROBES.get(path) or ("public" if path.startswith(PUBLIC) else "work")


def started() -> dict[str, Lane]:
    """Start the threads of every lane, and return the lanes by name."""
    return {name: Lane(name, threads) for name, threads in THREADS.items()}
