"""Sends mail in a thread of its own, so that the time of an answer does not depend on whether mail is sent.

- The queue is bounded. If the queue is full, a further message is dropped and an error is logged. The user can repeat
  the request.
- Other work can be queued as well, such as the look-up of a user. In a request, the time that the look-up takes would
  reveal if the user exists.
"""

import logging
import os
import queue
import threading
from collections.abc import Callable

from django.db import connections
from django.utils import translation

logger = logging.getLogger(__name__)
Work = Callable[[], object]

WAITING = 200
"""The most messages that wait at once."""
IDLE = 60.0
"""Seconds after which a thread without work ends."""


class MailQueue:
    """A queue of functions, and a thread that calls them one by one.

    The thread starts when a function is queued, and ends when the queue has been empty for IDLE seconds. If a function
    ends the thread by a BaseException, such as SystemExit, another thread calls the remaining functions.
    """

    def __init__(self) -> None:
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Empty the queue in a forked process. The parent calls the functions that were queued before the fork."""
        # New locks: the threads that hold the old ones do not run in this process.
        self._work: queue.Queue[Work] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, work: Work) -> None:
        """Queue a function. If the queue is full, drop the function and log an error."""
        try:
            self._work.put_nowait(work)
        except queue.Full:
            logger.error("A message was not sent: %d wait already", WAITING)  # noqa: TRY400 (the reason is the message)
            return
        with self._lock:
            self._start_if_needed()

    def _start_if_needed(self) -> None:
        """Start a thread if functions wait and no thread runs. The caller must hold the lock."""
        if self._thread is None and not self._work.empty():
            thread = threading.Thread(target=self._run, name="mail", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        try:
            while (work := self._next()) is not None:
                do(work)
        finally:
            with self._lock:
                # Unless `_next` ended this thread: the next one can run already.
                if self._thread is threading.current_thread():
                    self._thread = None
                    self._start_if_needed()
            connections.close_all()

    def _next(self) -> Work | None:
        """Return the next function, or None if the thread has to end."""
        try:
            return self._work.get(timeout=IDLE)
        except queue.Empty:
            with self._lock:
                if not self._work.empty():
                    return self._work.get_nowait()
                self._thread = None
                return None


def do(work: Work) -> None:
    """Call `work`. If it raises, log the type of the exception without its text, which can contain an address."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 (each mail backend has exception types of its own)
        logger.error("A message was not sent: %s", type(error).__name__)  # noqa: TRY400 (see above)


process_queue = MailQueue()
"""The queue of this process. Lives as long as the process."""
os.register_at_fork(after_in_child=process_queue.reset_after_fork)


def later(work: Work) -> None:
    """Queue `work`. The thread that sends mail calls `work` in the language that is active now."""
    language = translation.get_language()

    def in_language() -> None:
        with translation.override(language):
            work()

    process_queue.put(in_language)
