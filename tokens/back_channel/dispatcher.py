"""Claims messages of the outbox, delivers them, and records the results. Each delivery has a thread.

- Any number of serving processes and runs of `send_logouts` can deliver at the same time.
- Only the thread that calls a dispatcher uses the database. The threads of deliveries wait for clients.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

from tokens.back_channel import delivery, logout_token, outbox
from tokens.back_channel.slots import Slots
from tokens.keys import store
from tokens.keys.errors import KeyProblem
from tokens.models import Client, LogoutMessage

logger = logging.getLogger(__name__)
POLL = 1.0  # seconds
NO_ADDRESS = "the client is not active, or has no back-channel logout URI any more"

Bound = Callable[[], AbstractContextManager[object]]
Send = Callable[[Client, str], str]
"""Posts a token to a client. Returns "" or the reason of the failure."""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of one attempt to deliver a logout message."""

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
    """A process's dispatcher: claims messages, starts their deliveries, and records the results.

    Only one thread may call a dispatcher.
    """

    def __init__(self, *, send: Send = delivery.send, bound: Bound = nullcontext) -> None:
        self._send, self._bound = send, bound
        self._slots, self._results = Slots(), SimpleQueue[DeliveryResult | None]()
        self.tally = DeliveryTally()

    def drain(self) -> DeliveryTally:
        """Deliver every message that is due, wait for the results, and return the number of deliveries by outcome."""
        self._start_all()
        while self._slots.number:
            self.settle(POLL)
            self._start_all()
        return self.tally

    def round(self) -> None:
        """Start the deliveries that are due, then wait at most POLL seconds for the result of a delivery."""
        self._start_all()
        self.settle(POLL)

    def _start_all(self) -> None:
        while self.take():
            pass

    def take(self) -> bool:
        """Claim a message, if one is due and a delivery can start now. Return True if a message was claimed.

        - If the client of the message is disabled or has no back-channel logout URI, gives up the message.
        - If no key may sign the logout token, records a failed attempt.
        - Otherwise, starts the delivery of the message.
        """
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
        """Wait up to `within` seconds until a delivery has a result. Record every result that has arrived."""
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
        """Make a waiting `settle` return at once, although no delivery has a result. Any thread may call `wake`."""
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
