"""Supervise the worker processes of one server: replace a worker that dies, while the others keep serving.

These rules replace those of granian's own loop. granian ends all workers if one worker dies, or, with the option
`respawn_failed_workers`, if one worker dies twice within 5.5 s.
- A worker dies early if it dies within YOUNG seconds after its start.
- A worker that dies is replaced after PAUSE seconds if both it and its predecessor died early, else at once.
- The server shuts down after more early deaths than TRIES times the number of workers, because the application probably
  fails at the start. The number of early deaths is reset if a worker has lived for at least YOUNG seconds.
- If a worker does not begin to serve within START_WITHIN seconds after its start, it is killed and replaced. For
  example, a new worker hangs for ever if another thread of the main process held a lock during the fork.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from granian.log import logger
from granian.server.mp import MPServer

YOUNG = 5.0
"""Seconds after its start within which the death of a worker counts as early."""
PAUSE = 1.0
"""Seconds to wait before replacing a worker that died early, if its predecessor also died early."""
TRIES = 3
"""The early deaths (see YOUNG) per worker that the server tolerates. It shuts down after one more."""
START_WITHIN = 60.0
"""Seconds after its start within which a worker must serve. Usually, it takes one."""
LOOK_EVERY = 1.0
"""Seconds between two checks for workers that hang at their start."""
PID_BYTES = 8


class Starts:
    """The process ids of the workers that serve. Each worker reports its id over a pipe, which the workers inherit."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._pids: set[int] = set()

    def report(self) -> None:
        """Report to the main process that this worker serves. Call this method in the worker."""
        os.write(self._writing, os.getpid().to_bytes(PID_BYTES, "big"))

    def serving(self, running: Iterable[int]) -> frozenset[int]:
        """Return the process ids in `running` of the workers that have reported that they serve.

        Forgets the reports of all other ids.
        """
        with suppress(BlockingIOError):  # no further report
            while pid := os.read(self._reading, PID_BYTES):
                self._pids.add(int.from_bytes(pid, "big"))
        self._pids.intersection_update(running)  # the kernel can give the other ids to new processes
        return frozenset(self._pids)


class Workers(MPServer):
    """granian's server with the supervision of worker processes that this module describes."""

    def __init__(self, *arguments: Any, starts: Starts | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._died_young: list[int] = []
        self._hung: Counter[int] = Counter()  # how often each worker was killed because it did not start
        self._starts = starts  # None if workers are not forked, and so cannot report

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Replace workers that end, until SIGTERM or SIGINT. Replace all workers after SIGHUP."""
        while True:
            self.main_loop_interrupt.wait(LOOK_EVERY)
            self.main_loop_interrupt.clear()  # first, so that the next round handles a signal that arrives in this one
            if self.interrupt_signal:
                return
            if self.reload_signal:
                self._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]
            while self.interrupt_children and not self.interrupt_signal:
                pause = self._record_death(self.interrupt_children[0])
                if self._is_hopeless:
                    logger.error("No worker stays alive: shutting down. The reason is in the log lines above.")
                    return  # exits with 1, because a dead worker is left in the list
                time.sleep(pause)
                self._respawn_workers([self.interrupt_children.pop(0)], spawn_target, target_loader)
            self._kill_hung_starts()

    def _kill_hung_starts(self) -> None:
        """Kill each worker that started more than START_WITHIN seconds ago and has not reported that it serves.

        Each such kill doubles the time that the next worker with the same index has to report. `_serve_loop` replaces
        the killed worker.
        """
        if self._starts is None:
            return
        serving = self._starts.serving(worker.inner.pid for worker in self.wrks)
        for number, worker in enumerate(self.wrks, start=1):
            within = START_WITHIN * 2 ** self._hung[number]  # longer each time: perhaps the machine is slow
            overdue = time.monotonic() - worker.birth > within
            if overdue and worker.inner.pid not in serving and worker.inner.is_alive():
                logger.error("Killing worker-%d, which did not start within %.0f s", number, within)
                self._hung[number] += 1
                worker.inner.kill()

    @property
    def _is_hopeless(self) -> bool:
        """Return True if the server must shut down: there were more early deaths than TRIES per worker."""
        return len(self._died_young) > TRIES * self.workers

    def _record_death(self, number: int) -> float:
        """Record that the worker with the index `number` died. Return the seconds to wait before it is replaced."""
        now = time.monotonic()
        is_young = now - self.wrks[number].birth < YOUNG
        is_repeated = is_young and number in self._died_young
        if not is_young or any(worker.inner.is_alive() and now - worker.birth >= YOUNG for worker in self.wrks):
            self._died_young.clear()
        if is_young:
            self._died_young.append(number)
        return PAUSE if is_repeated else 0


def end_with_parent(alive: tuple[int, int]) -> None:
    """End this worker process when the main process has ended, even by SIGKILL. Call this function in the worker.

    `alive` has the reading and the writing end of a pipe that the main process opened before the fork. The worker's
    copy of the writing end is closed, so that the pipe closes when the main process ends.
    """
    reading, writing = alive
    os.close(writing)

    def watch() -> None:
        os.read(reading, 1)
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
