"""Runs the thread of a serving process that delivers the messages of the outbox.

- A serving process starts `sender` (project/background.py); the command `send_logouts` runs its own Dispatcher. Any
  number of serving processes and commands can deliver at the same time.
- The outbox is read about once a second (POLL), so a message is sent about a second after its commit at the latest.
- Only the sender's thread uses the database. Each delivery has a thread of its own, which only waits for the client.
"""

import logging
import os
import threading
from contextlib import nullcontext

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from tokens.back_channel.dispatcher import Bound, Dispatcher

logger = logging.getLogger(__name__)
PAUSE = 5.0  # seconds after an error, such as a database that does not answer
JOIN = 10.0  # seconds; a statement that hangs ends at its own deadline


class Sender:
    """The thread of a serving process that delivers logout messages."""

    def __init__(self) -> None:
        self._bound: Bound | None = None
        self._thread: threading.Thread | None = None
        self._dispatcher = Dispatcher()
        self._ended = threading.Event()

    def start(self, *, bound: Bound = nullcontext) -> None:
        """Start the thread unless it runs. `bound()` is a context that limits the duration of database work."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._bound, self._ended, self._dispatcher = bound, threading.Event(), Dispatcher(bound=bound)
        arguments = (self._dispatcher, self._ended)
        self._thread = threading.Thread(target=run, args=arguments, name="logouts", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and wait at most JOIN seconds for its end.

        Does not wait for running deliveries. Their messages are sent again.
        """
        self._ended.set()
        self._dispatcher.wake()
        if self._thread is not None:
            self._thread.join(JOIN)
        self._thread, self._bound = None, None

    def start_again_in_child(self) -> None:
        """Start the thread again in a forked process, if the parent process had started the thread."""
        if self._bound is not None:
            self._thread = None  # threads do not survive a fork
            self.start(bound=self._bound)


def run(dispatcher: Dispatcher, ended: threading.Event) -> None:
    """Deliver messages until `ended` is set. After an error, such as an outage of the database, retry after PAUSE."""
    is_failing = False
    try:
        while not ended.is_set():
            try:
                close_old_connections()
                dispatcher.round()
                is_failing = False
            except (DatabaseError, InterfaceError) as error:
                # Once per outage: the checks and /readyz report it, too.
                logger.log(logging.DEBUG if is_failing else logging.WARNING, "Logouts are not sent now: %s", error)
                is_failing = True
                ended.wait(PAUSE)
            except Exception:
                logger.exception("The delivery of logouts failed and will be retried")
                ended.wait(PAUSE)
    finally:
        connections.close_all()


sender = Sender()
"""The sender lives as long as the process. Its thread runs from `start` to `stop`."""
# Threads do not survive a fork, so a worker process starts its own.
os.register_at_fork(after_in_child=sender.start_again_in_child)
