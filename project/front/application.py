"""The ASGI application that a server process runs.

For each request, in this order:
1. screen the header list (`headers`);
2. read the body within its bound and deadline, without a thread (`body`);
3. queue the request in the lane of its path (`lanes`);
4. return the WSGI application's answer, or 503 if there is none within `Bounds.answer` seconds (`turn`).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from project.admin_pages import is_admin_page
from project.front import body, lanes, reply, turn
from project.front.environ import environ
from project.front.headers import screened
from project.front.refusal_log import RefusalLog
from project.front.refusals import Refusal, Refused, refusal
from project.front.reply import WSGI, Reply
from project.front.turn import Turn, TurnOver

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

AHEAD = 4  # parts of a long answer that can wait for the client
STALLED = 30.0  # seconds in which the client must take the next part
BUSY = "There was no answer in time. Try again."
WAITING = f"{lanes.WAITING} requests wait for a thread of their kind"
FULL = "Too many requests are waiting. Try again."
Note = Callable[[str, str], object]
"""A function that gets the reason and the path of each 503 that the front answers."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one request, in seconds and bytes."""

    body: int
    """Bytes of a body."""
    body_within: float
    """From the headers to the end of the body."""
    answer: float
    """From the end of the body to the answer."""
    admin_answer: float
    """The same for pages of the admin, which make keys and delete rows; `answer` holds for its login page."""


class Front:
    """Serves one WSGI application. Create it in the worker process, because it starts threads."""

    def __init__(
        self, application: WSGI, bounds: Bounds, *, behind_proxy: bool, mount: str = "", note: Note | None = None
    ) -> None:
        self._application = application
        self._bounds = bounds
        self._behind_proxy = behind_proxy
        self._mount = mount
        self._note = note
        self._refusal_log = RefusalLog()
        self._lanes = lanes.started()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return  # websockets and lifespan events are not supported
        path = self._path(scope)
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        try:
            headers = screened(scope["headers"], behind_proxy=self._behind_proxy)
            content = await body.read(receive, headers, bound=self._bounds.body, within=self._bounds.body_within)
            await self._served(environ(scope, headers, content), path, send)
        except Refused as error:
            self._log(error, scope["method"], path)
            await _send(refusal(error, path=path, accept=accept), send)

    def _log(self, error: Refused, method: str, path: str) -> None:
        """Log a refusal: the reason of a 503 goes to the audit log, any other refusal is a line of the front's log."""
        if not error.reason:
            self._refusal_log.note(error, method=method, path=path, now=time.monotonic())
        elif self._note:
            self._note(error.reason, path)

    def _path(self, scope: Scope) -> str:
        """Return the path without the issuer's mount path, which the proxy might have removed already."""
        path: str = scope["path"]
        if self._mount and f"{path}/".startswith(f"{self._mount}/"):
            return path.removeprefix(self._mount) or "/"
        return path

    def _within(self, path: str) -> float:
        return self._bounds.admin_answer if is_admin_page(path) else self._bounds.answer

    async def _served(self, values: dict[str, Any], path: str, send: Send) -> None:
        """Send the application's answer. Raises Refused if there is none in time, or if the lane is full."""
        call = _Call(self._application, values, asyncio.get_running_loop())
        try:
            self._lanes[lanes.lane_of(path)].put(call.run)
        except lanes.Full:
            raise Refused(503, "temporarily_unavailable", FULL, retry_after=1, reason=WAITING) from None
        answered = await call.answered(self._within(path))
        if answered is None:
            reason = f"no answer within {self._within(path):g} s"
            logger.error("No answer within %g s: 503 for %s %r", self._within(path), values["REQUEST_METHOD"], path)
            raise Refused(503, "temporarily_unavailable", BUSY, retry_after=5, reason=reason)
        await _send(answered, send, remaining=None if answered.is_whole else call.remaining_parts())


class _Call:
    """One call of the WSGI application, between the event loop and the thread that makes it."""

    def __init__(self, application: WSGI, values: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        self._application = application
        self._values = values
        self._loop = loop
        self._turn = Turn()
        # None: the call was abandoned
        self._reply: asyncio.Future[Reply | None] = loop.create_future()
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)

    async def answered(self, within: float) -> Reply | None:
        """Return the answer, or None if the call was abandoned after `within` seconds. Raises what the call raised."""
        deadline = self._loop.time() + within
        timer = self._loop.call_at(deadline, self._abandon_if_possible, deadline + turn.SETTLING)
        try:
            return await self._reply
        finally:
            timer.cancel()

    def _abandon_if_possible(self, last: float) -> None:
        """Abandon the call, or check again soon if it is committing. At `last` (loop time), abandon it in any case."""
        if self._reply.done():
            return
        if self._turn.abandon(time.monotonic(), surely=self._loop.time() >= last):
            self._settle(None)
        else:
            self._loop.call_later(turn.SETTLING / 4, self._abandon_if_possible, last)

    async def remaining_parts(self) -> AsyncIterator[bytes]:
        """Yield the parts of the body that follow the part in the `Reply`."""
        while (part := await self._parts.get()) is not None:
            yield part

    def run(self) -> None:
        """Call the application, on a thread of a lane. Does nothing if the request was abandoned before."""
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
        """Call `step` in the event loop."""
        with suppress(RuntimeError):  # the loop is closed, because the process ends
            self._loop.call_soon_threadsafe(step, argument)

    def _pass_on(self, part: bytes | None) -> None:
        """Queue a part for the client; wait if AHEAD are queued. Raises TimeoutError after STALLED seconds."""
        asyncio.run_coroutine_threadsafe(self._parts.put(part), self._loop).result(STALLED)

    def _settle(self, answered: Reply | None) -> None:
        if not self._reply.done():
            self._reply.set_result(answered)

    def _fail(self, error: BaseException) -> None:
        if not self._reply.done():
            self._reply.set_exception(error)
        elif self._reply.result() is not None:
            logger.error("An answer ended early", exc_info=error)


async def _send(answered: Reply | Refusal, send: Send, remaining: AsyncIterator[bytes] | None = None) -> None:
    headers = [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in answered.headers]
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    async with asyncio.timeout(None if remaining is None else STALLED):
        await send({"type": "http.response.body", "body": answered.body, "more_body": remaining is not None})
    if remaining is not None:
        async with asyncio.timeout(None) as stalled:
            async for part in remaining:
                stalled.reschedule(asyncio.get_running_loop().time() + STALLED)
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
