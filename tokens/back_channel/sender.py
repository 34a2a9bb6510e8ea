"""Delivers the messages of the outbox: one thread claims them and records results, one thread per delivery waits.

- A process that serves starts `sender` (project/background.py); `send_logouts` runs a Dispatcher of its own. Any number
  of them can work at once.
- The outbox is read every POLL seconds, so a message is sent about a second after its commit at the latest.
- Only the thread of `run` uses the database. The threads of deliveries wait for clients.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from tokens.back_channel import delivery, logout_token, outbox
from tokens.back_channel.slots import Slots
from tokens.keys import store
from tokens.keys.errors import KeyProblem
from tokens.models import Client, LogoutMessage

logger = logging.getLogger(__name__)
POLL = 1.0  # seconds
PAUSE = 5.0  # seconds after an error, such as a database that does not answer
JOIN = 10.0  # seconds; a statement that hangs ends at its own deadline
NO_ADDRESS = "the client is not active, or has no back-channel logout URI any more"

Bound = Callable[[], AbstractContextManager[object]]
Send = Callable[[Client, str], str]
"""Posts a token to a client. Returns "" or the reason of the failure."""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of one delivery."""

    message: LogoutMessage
    token_id: str
    failure: str
    seconds: float


@dataclass(slots=True)
class DeliveryTally:
    """The deliveries of a dispatcher since its start, by outcome."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


class Dispatcher:
    """Claims messages, starts their deliveries, and records the results. One thread calls it."""

    def __init__(self, *, send: Send = delivery.send, bound: Bound = nullcontext) -> None:
        self._send, self._bound = send, bound
        self._slots, self._results = Slots(), SimpleQueue[DeliveryResult | None]()
        self.tally = DeliveryTally()

    def drain(self) -> DeliveryTally:
        """Deliver every message that is due, wait for the results, and return what was done."""
        self._start_all()
        while self._slots.number:
            self.settle(POLL)
            self._start_all()
        return self.tally

    def round(self) -> None:
        """Start the deliveries that are due, then wait for a result for POLL seconds at most."""
        self._start_all()
        self.settle(POLL)

    def _start_all(self) -> None:
        while self.take():
            pass

    def take(self) -> bool:
        """Claim a message and start its delivery. Returns False if none is due, or none can start."""
        if self._slots.are_full:
            return False
        with self._bound():
            now = store.database_now()
            message = outbox.claim(now=now, barred=self._slots.barred())
            if message is None:
                return False
            if not message.client.is_active or not message.client.backchannel_logout_uri:
                self.tally.given_up += outbox.give_up(message, NO_ADDRESS, now=now)
                return True
            token_id = logout_token.new_id()
            try:
                token = logout_token.for_message(message, token_id=token_id, now=now)
            except KeyProblem as problem:  # no key may sign
                self._record(DeliveryResult(message, token_id, str(problem), 0.0))
                return True
        work = partial(self._deliver, message, token_id, token)
        threading.Thread(target=work, name="logout", daemon=True).start()
        self._slots.begin(message.client_id)  # not before: a thread that cannot start would occupy its slot for ever
        return True

    def settle(self, within: float) -> None:
        """Record the next result, if there is one within so many seconds, and those that are there by then."""
        try:
            result = self._results.get(timeout=within)
            while True:
                if result is not None:
                    succeeded = not result.failure
                    self._slots.end(result.message.client_id, succeeded=succeeded, seconds=result.seconds)
                    with self._bound():
                        self._record(result)
                result = self._results.get_nowait()
        except Empty:
            pass

    def wake(self) -> None:
        """End the wait of `settle`. Another thread may call it."""
        self._results.put(None)

    def _deliver(self, message: LogoutMessage, token_id: str, token: str) -> None:
        began, failure = time.monotonic(), "the delivery failed"
        try:
            failure = self._send(message.client, token)
        except Exception:
            logger.exception("The delivery of a logout token failed and will be retried")
        finally:
            self._results.put(DeliveryResult(message, token_id, failure, time.monotonic() - began))

    def _record(self, result: DeliveryResult) -> None:
        now = store.database_now()
        if not result.failure:
            outbox.delivered(result.message, token_id=result.token_id, now=now)
            self.tally.delivered += 1
        elif outbox.failed(result.message, result.failure, jitter=random.random(), now=now):  # noqa: S311 (jitter)
            self.tally.given_up += 1
        else:
            self.tally.failed += 1


class Sender:
    """The delivering thread of a process that serves, and the argument of its start."""

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
        """Stop the thread and wait for it. Deliveries that run are not waited for: they are sent again later."""
        self._ended.set()
        self._dispatcher.wake()
        if self._thread is not None:
            self._thread.join(JOIN)
        self._thread, self._bound = None, None

    def start_again_in_child(self) -> None:
        """Start the thread in a forked process if it ran in the parent."""
        if self._bound is not None:
            self._thread = None  # threads do not survive a fork
            self.start(bound=self._bound)


def run(dispatcher: Dispatcher, ended: threading.Event) -> None:
    """Deliver messages until `ended` is set. An error, such as an outage of the database, is retried after PAUSE."""
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
"""Lives as long as the process. Its thread runs from start to stop."""
# Threads do not survive a fork, so a worker process starts its own.
os.register_at_fork(after_in_child=sender.start_again_in_child)
