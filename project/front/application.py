"""The ASGI application that a server process runs.

For each request, in this order:
1. screen the header list (`headers`);
2. read the body within its bound and deadline, in the event loop (`body`);
3. queue the request for the threads that serve its path (its lane, `lanes`);
4. return the WSGI application's answer, or 503 if there is no answer within `Bounds.answer` seconds (`turn`).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from project.admin_pages import is_admin_page
from project.front import body, lanes
from project.front.headers import screened
from project.front.refusal_log import RefusalLog
from project.front.refusals import Refusal, Refused, refusal
from project.front.reply import WSGI, Reply
from project.front.wsgi_call import STALLED, WsgiCall
from project.front.wsgi_environ import environ

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

RECEIVED = "keyturn.received"
"""The name in the WSGI environ of the instant at which the front had received the whole request.

tokens/grants/request.py reads it.
"""
BUSY = "There was no answer in time. Try again."
WAITING = f"{lanes.WAITING} requests wait for a thread of their kind"
FULL = "Too many requests are waiting. Try again."
Note = Callable[[str, str], object]
"""A function that the front calls with the reason and the path of each 503 that it answers."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one request, in seconds and bytes."""

    body: int
    """The most bytes of a body."""
    body_within: float
    """The longest time from the headers to the end of the body."""
    answer: float
    """The longest time from the end of the body to the answer."""
    admin_answer: float
    """The longest time from the end of the body to the answer, for the pages that `is_admin_page` recognizes."""


class Front:
    """An ASGI application that serves one WSGI application. It starts threads, so create it in the worker process."""

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

    def prepare(self, step: Callable[[], None], *, within: float) -> None:
        """Run `step` on the threads of the lane `work` that will serve its first requests.

        Call this method before the first request. Waits for at most `within` seconds.
        """
        self._lanes["work"].prepare(step, within=within)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request: the ASGI entry point, which the server calls."""
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
        """Log a refusal: a 503 in the issuer's audit log (by `note`), any other refusal in the front's own log."""
        if not error.reason:
            self._refusal_log.note(error, method=method, path=path, now=time.monotonic())
        elif self._note:
            self._note(error.reason, path)

    def _path(self, scope: Scope) -> str:
        """Return the path of the request below the issuer's mount path, which is the path of the issuer's URL.

        If the proxy has already removed the mount path, return the path unchanged.
        """
        path: str = scope["path"]
        if self._mount and f"{path}/".startswith(f"{self._mount}/"):
            return path.removeprefix(self._mount) or "/"
        return path

    def _within(self, path: str) -> float:
        return self._bounds.admin_answer if is_admin_page(path) else self._bounds.answer

    async def _served(self, values: dict[str, Any], path: str, send: Send) -> None:
        """Queue a call of the application, and send its answer. `values` is the WSGI environ.

        Raises Refused if the queue for the path is full, or if there is no answer in time.
        """
        values[RECEIVED] = time.monotonic()
        call = WsgiCall(self._application, values, asyncio.get_running_loop())
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


async def _send(answered: Reply | Refusal, send: Send, remaining: AsyncIterator[bytes] | None = None) -> None:
    """Send a response by ASGI.

    `remaining` yields the parts of the body after `answered.body`, or is None if `answered.body` is the whole body.
    With `remaining`, raises TimeoutError if the client does not receive a part within STALLED seconds.
    """
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
