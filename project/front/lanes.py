"""Lanes: each kind of request has threads and a bounded queue. No kind can occupy the threads of another kind.

| lane     | serves                                                                                             |
|----------|----------------------------------------------------------------------------------------------------|
| alive    | /healthz, which needs no database                                                                  |
| ready    | /readyz, which queries the database                                                                |
| public   | /.well-known/: the JWKS and metadata, from snapshots that are used through a short database outage |
| work     | everything else                                                                                    |
"""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable

logger = logging.getLogger(__name__)

Job = Callable[[], None]
Clock = Callable[[], float]

WORK_THREADS = 8
THREADS = {"alive": 1, "ready": 1, "public": 2, "work": WORK_THREADS}
AT_ONCE = {"work": 2}
"""Requests of a lane that run at the same time while none of them is slow.

Python runs one thread at a time. More threads than two would contend for the interpreter at each wait, and a token
would cost more (docs/performance.md).
"""
SLOW = 0.03
"""Seconds after which a running request does not count as one of AT_ONCE.

Such a request usually hashes a password, or waits for a lock.
"""
WAITING = 128
"""The most requests that wait for a thread of a lane. A further request gets 503 at once."""
PROBES = {"/healthz": "alive", "/readyz": "ready"}
PUBLIC = "/.well-known/"


class Full(Exception):
    """Raised by `Lane.put` if the queue of the lane is full. The job is not queued."""


class Lane:
    """Daemon threads with a common queue of jobs, for one group of paths. A job must catch its own exceptions.

    Normally, at most `at_once` jobs run at the same time. For each job that has run longer than SLOW, one more job may
    run, until all `threads` are busy. `clock` returns monotonic seconds.
    """

    def __init__(
        self, name: str, threads: int, at_once: int, *, waiting: int = WAITING, clock: Clock = time.monotonic
    ) -> None:
        self._at_once = at_once
        self._most = threads + waiting
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._begun: dict[int, float] = {}
        """When the running jobs began, by the number of the thread."""
        self._idle = list(range(threads))[::-1]
        """The numbers of the idle threads.

        The last one gets the next job, so that few threads are used and open a connection to the database.
        """
        self._given: list[queue.SimpleQueue[Job]] = [queue.SimpleQueue() for _ in range(threads)]
        self._is_watched = False
        for number in range(threads):
            # Daemon threads, so that a thread that hangs in a system call does not keep the process from ending.
            threading.Thread(target=self._serve, args=[number], name=f"{name}-{number + 1}", daemon=True).start()

    def put(self, job: Job) -> None:
        """Queue a job. Raises Full if too many are queued. Only the thread of the event loop may call this."""
        with self._lock:
            if len(self._jobs) + len(self._begun) >= self._most:
                raise Full
            self._jobs.append(job)
        self._give()

    def prepare(self, step: Job, *, within: float) -> None:
        """Run `step` on the threads that will serve the first requests of this lane.

        Returns when `step` has ended on each of them, but after `within` seconds at the latest. If `step` raises an
        exception, the exception is logged, and the thread serves requests nevertheless.
        """
        ended = threading.Semaphore(0)

        def job() -> None:
            try:
                step()
            except Exception as error:  # noqa: BLE001 (a worker must start while the database is away)
                cause = " ".join(str(error).split()) or type(error).__name__
                logger.warning("The first requests of %s will be slow: %s", threading.current_thread().name, cause)
            ended.release()

        with self._lock:
            for _ in range(self._at_once):
                number = self._idle.pop()
                self._begun[number] = self._clock()
                self._given[number].put(job)
        until = self._clock() + within
        for _ in range(self._at_once):
            ended.acquire(timeout=max(0.0, until - self._clock()))

    def _give(self) -> None:
        """Give queued jobs to idle threads, as long as `_may_begin` returns True.

        If jobs are left in the queue, do the same again after SLOW seconds.
        """
        with self._lock:
            while self._jobs and self._may_begin():
                number = self._idle.pop()
                self._begun[number] = self._clock()
                self._given[number].put(self._jobs.popleft())
            if not self._jobs or self._is_watched:
                return
            self._is_watched = True
        asyncio.get_running_loop().call_later(SLOW, self._look_again)

    def _look_again(self) -> None:
        self._is_watched = False
        self._give()

    def _may_begin(self) -> bool:
        """Return True if another job may begin now. The caller must hold the lock.

        The job begins on an idle thread, or on the thread that has just ended a job.
        """
        running = len(self._begun)
        if running < self._at_once:
            return True
        slow_since = self._clock() - SLOW
        return bool(self._idle) and running - self._at_once < sum(begun < slow_since for begun in self._begun.values())

    def _serve(self, number: int) -> None:
        while True:
            job: Job | None = self._given[number].get()
            while job is not None:
                job()
                job = self._next(number)

    def _next(self, number: int) -> Job | None:
        """Record that the thread `number` has ended its job, and return the next job for it.

        Returns None if the queue is empty, or if no further job may begin now. The thread is then idle.
        """
        # The thread goes on without sleep: to wake another one costs more than many a request.
        with self._lock:
            del self._begun[number]
            self._idle.append(number)
            if not self._jobs or not self._may_begin():
                return None
            self._begun[self._idle.pop()] = self._clock()
            return self._jobs.popleft()


def lane_of(path: str) -> str:
    """Return the name of the lane that serves `path`. The path must not contain the issuer's mount path."""
    return PROBES.get(path) or ("public" if path.startswith(PUBLIC) else "work")


def started() -> dict[str, Lane]:
    """Start the threads of every lane, and return the lanes by name."""
    return {name: Lane(name, threads, AT_ONCE.get(name, threads)) for name, threads in THREADS.items()}
