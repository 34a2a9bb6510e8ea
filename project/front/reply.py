"""Collect the WSGI application's answer, so that a slow client does not occupy a thread."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

COLLECTED = 4 * 1024 * 1024
"""The most bytes that are collected. The rest of a longer answer is sent while the thread produces it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The status, headers and body of an answer. If `is_whole` is False, `body` is only the beginning of the body."""

    status: int
    headers: Headers
    body: bytes
    is_whole: bool


def answer(
    application: WSGI, environ: dict[str, Any], *, begin: Callable[[Reply], None], send: Callable[[bytes | None], None]
) -> None:
    """Call `application`, and pass its answer to `begin`. Raises what the application raises.

    If the body is longer than COLLECTED bytes, `begin` gets only its beginning. Each further part is passed to `send`.
    After the last part, `send` gets None, even if the application fails in the middle.
    """
    starts: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        del exc_info
        starts.append((status, headers))
        return _no_write

    parts = application(environ, start_response)
    try:
        iterator = iter(parts)
        body, is_whole = _collect(iterator)
        status, headers = starts[-1]
        begin(Reply(int(status.partition(" ")[0]), headers, body, is_whole))
        if not is_whole:
            _send_rest(iterator, send)
    finally:
        if close := getattr(parts, "close", None):
            close()  # Django ends the request here, and closes its database connections


def _send_rest(parts: Iterator[bytes], send: Callable[[bytes | None], None]) -> None:
    try:
        for part in parts:
            send(part)
    finally:
        with suppress(TimeoutError):  # the client has disconnected
            send(None)


def _collect(parts: Iterator[bytes]) -> tuple[bytes, bool]:
    """Join the parts of a body, and stop when they exceed COLLECTED bytes.

    Returns the joined bytes, and True if these are the whole body. If they are not, returns False with them, and
    the caller must send the rest of `parts`.
    """
    first, size = [], 0
    for part in parts:
        first.append(part)
        size += len(part)
        if size > COLLECTED:
            return b"".join(first), False
    return b"".join(first), True


def _no_write(_: bytes) -> None:
    raise NotImplementedError("PEP 3333's write() is not supported; return the body")
