"""Read the whole body of a request in the event loop, up to a size and a deadline. This occupies no thread."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from project.front.refusals import Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]

TOO_LARGE = "The body is too large."
TOO_SLOW = "The body did not arrive in time."
CUT_OFF = "The body ended early."
NO_NUMBER = "The Content-Length is not a number."


async def read(receive: Receive, headers: Mapping[str, str], *, bound: int, within: float) -> bytes:
    """Return the whole body. `bound` is in bytes, `within` in seconds.

    Returns b"" if the request has neither Content-Length nor Transfer-Encoding. Raises Refused: 413 if the body is
    longer than the bound (before anything is read, if it has a Content-Length), 408 after the deadline, 400 if the
    client ended the body early.
    """
    announced = _announced(headers)
    if announced is None and "transfer-encoding" not in headers:
        return b""
    if announced is not None and announced > bound:
        raise Refused(413, "invalid_request", TOO_LARGE, ends_connection=True)
    try:
        async with asyncio.timeout(within):
            body = await _collected(receive, bound, announced)
    except TimeoutError:
        raise Refused(408, "invalid_request", TOO_SLOW, ends_connection=True) from None
    if announced is not None and len(body) != announced:
        raise Refused(400, "invalid_request", CUT_OFF, ends_connection=True)
    return body


def _announced(headers: Mapping[str, str]) -> int | None:
    """Return the Content-Length, or None without that header. Raises Refused if it is not a number."""
    length = headers.get("content-length")
    if length is None:
        return None
    if not (length.isascii() and length.isdigit() and len(length) <= 18):
        raise Refused(400, "invalid_request", NO_NUMBER, ends_connection=True)
    return int(length)


async def _collected(receive: Receive, bound: int, announced: int | None) -> bytes:
    """Return the body, up to the announced length or the end that the client marks.

    `bound` is in bytes. `announced` is the Content-Length, or None. Raises Refused: 400 if the client disconnects
    early, 413 if the body is longer than the bound.
    """
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "invalid_request", CUT_OFF, ends_connection=True)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False) and size != announced
        if size > bound:
            raise Refused(413, "invalid_request", TOO_LARGE, ends_connection=True)
    return b"".join(parts)
