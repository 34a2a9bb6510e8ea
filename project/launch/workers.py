"""Supervise the worker processes of one server: replace one that dies, while the others keep serving.

granian's loop ends all workers if one dies, or with `respawn_failed_workers` if one dies twice within 5.5 s.
Rules here:
- A worker that dies is replaced at once, or after PAUSE if its predecessor died young, too.
- The server gives up after TRIES young deaths for each worker, unless one has lived longer than YOUNG: the application
  cannot be served.
"""

import os
import threading
import time
from typing import Any

from granian.log import logger
from granian.server.mp import MPServer

YOUNG = 5.0
"""Seconds. A worker that dies earlier died young: probably the application fails."""
PAUSE = 1.0
"""Seconds before the replacement of a worker that died young as its predecessor did."""
TRIES = 3
"""Young deaths per worker after which the server gives up."""


class Workers(MPServer):
    """granian's server with a loop of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._died_young: list[int] = []

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Replace workers that end, until SIGTERM or SIGINT; SIGHUP replaces all of them."""
        while True:
            self.main_loop_interrupt.wait()
            self.main_loop_interrupt.clear()  # first, so that the next round handles a signal that arrives in this one
            if self.interrupt_signal:
                return
            if self.reload_signal:
                self._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]
            while self.interrupt_children and not self.interrupt_signal:
                if not self._may_replace(self.interrupt_children[0]):
                    logger.error("No worker stays alive: shutting down. The reason is in the log lines above.")
                    return  # exits with 1, because a dead worker is left in the list
                self._respawn_workers([self.interrupt_children.pop(0)], spawn_target, target_loader)

    def _may_replace(self, number: int) -> bool:
        """Return False if the server should give up. Pauses if this worker died young twice in a row."""
        now = time.monotonic()
        is_young = now - self.wrks[number].birth < YOUNG
        is_repeated = is_young and number in self._died_young
        if not is_young or any(worker.inner.is_alive() and now - worker.birth >= YOUNG for worker in self.wrks):
            self._died_young.clear()
        if is_young:
            self._died_young.append(number)
        if len(self._died_young) > TRIES * self.workers:
            return False
        if is_repeated:
            time.sleep(PAUSE)
        return True


def end_with_parent(alive: tuple[int, int]) -> None:
    """End this worker when the main process has ended, even by SIGKILL. `alive` is a pipe that only that process keeps.

    Call it in the worker: it closes its own copy of the writing end, so that the main process has the only one.
    """
    reading, writing = alive
    os.close(writing)

    def watch() -> None:
        os.read(reading, 1)
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
