"""A daemon thread that calls a function repeatedly, until the object that owns the thread is deleted.

- The first `start` in a process starts the thread. So does the first `start` after a fork, because a fork copies no
  threads.
- The thread has a weak reference to its owner, and ends when the owner is deleted. So no thread is left behind if the
  settings are replaced.
"""

import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .. import thread_limit

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Poller(Generic[T]):
    """A thread that calls `work(owner)` repeatedly, until the object `owner` is deleted.

    `work` returns the seconds to wait before its next call.
    """

    def __init__(self, owner: T, work: Callable[[T], float], *, name: str) -> None:
        self._owner = weakref.ref(owner)
        self._work, self._name = work, name
        self._process = 0
        self._lock = threading.Lock()
        self._gone = threading.Event()
        weakref.finalize(owner, self._gone.set)
        _all.add(self)

    def start(self) -> None:
        """Start the thread, unless this process has started it. Never raises."""
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process == os.getpid():
                return
            try:
                threading.Thread(
                    target=_run, args=(self._owner, self._work, self._gone), name=self._name, daemon=True
                ).start()
            except RuntimeError:  # the process has too many threads; the next use tries again
                logger.error("Thread %s cannot be started: the process has too many threads", self._name)  # noqa: TRY400
                return
            self._process = os.getpid()

    def reset_after_fork(self) -> None:
        """Replace the lock after a fork."""
        # A thread that holds the old lock exists only in the parent process.
        self._lock = threading.Lock()


def _run(owner: "weakref.ref[T]", work: Callable[[T], float], gone: threading.Event) -> None:
    thread_limit.mark_background()
    while (referent := owner()) is not None:
        pause = work(referent)
        del referent  # otherwise this reference would keep the owner alive during the pause
        if gone.wait(pause):
            return


_all: "weakref.WeakSet[Poller[Any]]" = weakref.WeakSet()


def _renew_all() -> None:
    for poller in list(_all):
        poller.reset_after_fork()


os.register_at_fork(after_in_child=_renew_all)
