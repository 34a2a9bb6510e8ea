"""One call of the WSGI application: the front waits for it in the event loop, and a thread of a lane makes it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from project.front import reply, turn
from project.front.reply import WSGI, Reply
from project.front.turn import Turn, TurnOver

logger = logging.getLogger(__name__)

AHEAD = 4  # the most parts of a long answer that wait for the client
STALLED = 30.0  # seconds within which the client must receive the next part


class WsgiCall:
    """One call of the WSGI application, between the event loop and the thread that makes it."""

    def __init__(self, application: WSGI, values: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        self._application = application
        self._values = values
        self._loop = loop
        self._turn = Turn()
        # The result is None if the call was abandoned.
        self._reply: asyncio.Future[Reply | None] = loop.create_future()
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)

    async def answered(self, within: float) -> Reply | None:
        """Return the answer, or None if the call was abandoned. Raises the error that the application raised.

        The call is abandoned if there is no answer after `within` seconds. If the call is committing at that time,
        or has committed less than turn.SETTLING seconds before, it gets up to turn.SETTLING seconds more.
        """
        deadline = self._loop.time() + within
        timer = self._loop.call_at(deadline, self._abandon_if_possible, deadline + turn.SETTLING)
        try:
            return await self._reply
        finally:
            timer.cancel()

    def _abandon_if_possible(self, last: float) -> None:
        """Abandon the call if `Turn.abandon` permits it. Otherwise, try again after a quarter of turn.SETTLING.

        From the time `last`, in seconds of the event loop's clock, the call is abandoned in any case. Does nothing if
        there is an answer.
        """
        if self._reply.done():
            return
        if self._turn.abandon(time.monotonic(), surely=self._loop.time() >= last):
            self._settle(None)
        else:
            self._loop.call_later(turn.SETTLING / 4, self._abandon_if_possible, last)

    async def remaining_parts(self) -> AsyncIterator[bytes]:
        """Yield the rest of the body: the parts that come after the `body` of the `Reply`."""
        while (part := await self._parts.get()) is not None:
            yield part

    def run(self) -> None:
        """Call the application, on a thread of `lanes`. Does nothing if the front has already abandoned the request."""
        try:
            self._turn.go_on()
        except TurnOver:
            return
        turn.take(self._turn)
        try:
            reply.answer(self._application, self._values, begin=self._begin, send=self._pass_on)
        except BaseException as error:  # noqa: BLE001 (the thread goes on with the next request)
            self._in_loop(self._fail, error)
        finally:
            turn.take(None)

    def _begin(self, answered: Reply) -> None:
        self._in_loop(self._settle, answered)

    def _in_loop(self, step: Callable[[Any], None], argument: object) -> None:
        """Call `step(argument)` in the event loop. The calling thread does not wait for it."""
        with suppress(RuntimeError):  # the loop is closed, because the process ends
            self._loop.call_soon_threadsafe(step, argument)

    def _pass_on(self, part: bytes | None) -> None:
        """Queue a part for the client, or None to end the body. Waits while AHEAD parts are queued.

        Raises TimeoutError after STALLED seconds.
        """
        asyncio.run_coroutine_threadsafe(self._parts.put(part), self._loop).result(STALLED)

    def _settle(self, answered: Reply | None) -> None:
        if not self._reply.done():
            self._reply.set_result(answered)

    def _fail(self, error: BaseException) -> None:
        if not self._reply.done():
            self._reply.set_exception(error)
        elif self._reply.result() is not None:
            logger.error("An answer ended early", exc_info=error)
