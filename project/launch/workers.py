"""Supervise the worker processes of one server: replace a worker that dies, while the others keep serving.

granian's own loop ends all workers if one dies, or with `respawn_failed_workers` if one dies twice within 5.5 s. The
rules here are:
- A worker that dies is replaced at once, or after PAUSE if it died early and its predecessor did, too. Early means
  within YOUNG seconds after its start.
- If more than TRIES early deaths per worker occur, and no worker has lived longer than YOUNG, the application probably
  cannot be served, and the server shuts down.
- A worker that does not serve START_WITHIN seconds after its start is killed, and so replaced. A lock that another
  thread of the main process held during the fork, for example, hangs the new worker for ever.
"""

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from granian.log import logger
from granian.server.mp import MPServer

YOUNG = 5.0
"""Seconds after its start within which the death of a worker counts as early. Probably the application fails."""
PAUSE = 1.0
"""Seconds to wait before a worker is replaced that died early like its predecessor."""
TRIES = 3
"""Early deaths (see YOUNG) that the server tolerates per worker. It shuts down at the next one."""
START_WITHIN = 60.0
"""Seconds after its start within which a worker must serve. Usually, it takes one."""
LOOK_EVERY = 1.0
"""Seconds between two checks for workers that hang at their start."""
PID_BYTES = 8


class Starts:
    """The workers that serve, by process id. Each reports itself over a pipe, which the workers inherit."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._pids: set[int] = set()

    def report(self) -> None:
        """Report that this process serves. Call it in the worker."""
        os.write(self._writing, os.getpid().to_bytes(PID_BYTES, "big"))

    def serving(self, running: Iterable[int]) -> frozenset[int]:
        """Return the process ids among `running` that have been reported. Others are forgotten: a pid is reused."""
        with suppress(BlockingIOError):  # no further report
            while pid := os.read(self._reading, PID_BYTES):
                self._pids.add(int.from_bytes(pid, "big"))
        self._pids.intersection_update(running)
        return frozenset(self._pids)


class Workers(MPServer):
    """granian's server with the supervision of worker processes that this module describes."""

    def __init__(self, *arguments: Any, starts: Starts | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._died_young: list[int] = []
        self._starts = starts  # None if workers are not forked, and so cannot report

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Replace workers that end, until SIGTERM or SIGINT; SIGHUP replaces all of them."""
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
        """Kill each worker that does not serve in time. Its death is then handled as that of any other worker."""
        if self._starts is None:
            return
        serving = self._starts.serving(worker.inner.pid for worker in self.wrks)
        for number, worker in enumerate(self.wrks, start=1):
            overdue = time.monotonic() - worker.birth > START_WITHIN
            if overdue and worker.inner.pid not in serving and worker.inner.is_alive():
                logger.error("Killing worker-%d, which did not start within %.0f s", number, START_WITHIN)
                worker.inner.kill()

    @property
    def _is_hopeless(self) -> bool:
        """Return True if the server should shut down, because there were more early deaths than TRIES permits."""
        return len(self._died_young) > TRIES * self.workers

    def _record_death(self, number: int) -> float:
        """Record that a worker died. Return the seconds to wait before the worker is replaced."""
        now = time.monotonic()
        is_young = now - self.wrks[number].birth < YOUNG
        is_repeated = is_young and number in self._died_young
        if not is_young or any(worker.inner.is_alive() and now - worker.birth >= YOUNG for worker in self.wrks):
            self._died_young.clear()
        if is_young:
            self._died_young.append(number)
        return PAUSE if is_repeated else 0


def end_with_parent(alive: tuple[int, int]) -> None:
    """End this worker when the main process has ended, even by SIGKILL. `alive` is a pipe that the main process opened.

    Call it in the worker. It closes the worker's copy of the writing end, so that only the main process has that end.
    """
    reading, writing = alive
    os.close(writing)

    def watch() -> None:
        os.read(reading, 1)
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
