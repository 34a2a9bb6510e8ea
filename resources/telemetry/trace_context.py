"""The ids by which a request is found in the logs of all processes: its request id and its trace id.

- X-Request-ID is used if it has a safe form. Otherwise a random id is made.
- `traceparent` is W3C Trace Context (level 1). A malformed header is replaced by a new trace (section 3.2.2). The
  ids in a valid header are hexadecimal, so a client cannot write any other text into a log.
- `tracestate` is not passed on: it belongs to the tracing systems (section 3.3), and its values are free text.
- The ids are not secret and grant nothing.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

REQUEST_ID = "X-Request-ID"
TRACEPARENT = "traceparent"
SAFE = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""The form of a request id, such as a UUID or nginx's $request_id."""
# A later version may have more parts after the fourth (section 3.2.4).
FORM = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-[\x21-\x7e]*)?"
)
LONGEST = 256  # characters
VERSION, INVALID_VERSION = "00", "ff"
SAMPLED = "01"
BYTES = 12


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The request id and the trace ids of one request."""

    request_id: str
    trace_id: str
    span_id: str
    """The span of this process."""
    flags: str = SAMPLED

    @property
    def traceparent(self) -> str:
        """Return the header `traceparent` for requests that this process sends while it answers this request."""
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{self.flags}"

    @property
    def headers(self) -> dict[str, str]:
        """Return X-Request-ID and `traceparent` for requests that this process sends while it answers this request."""
        return {REQUEST_ID: self.request_id, TRACEPARENT: self.traceparent}


_current: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)
"""The ids of the request that the current thread answers. Lives as long as the request."""


def current() -> TraceContext | None:
    """Return the ids of the request that this thread answers, or None outside of requests."""
    return _current.get()


def forwarded() -> dict[str, str]:
    """Return X-Request-ID and `traceparent` for requests that this process sends to other servers.

    Both headers have the ids of the request that this thread answers. Returns {} if this thread answers no request.
    """
    context = _current.get()
    return context.headers if context else {}


def of_request(request_id: str, traceparent: str) -> TraceContext:
    """Return the ids of a request from its headers. A header that is "" or malformed is replaced by random ids."""
    name = request_id if SAFE.fullmatch(request_id) else os.urandom(BYTES).hex()
    parent = parsed(traceparent)
    if parent is None:
        return TraceContext(name, os.urandom(16).hex(), os.urandom(8).hex())
    trace_id, flags = parent
    return TraceContext(name, trace_id, os.urandom(8).hex(), flags)


def parsed(traceparent: str) -> tuple[str, str] | None:
    """Return the trace id and the flags of a traceparent, or None if it is malformed.

    See W3C Trace Context, sections 3.2.2 and 3.2.4.
    """
    match = FORM.fullmatch(traceparent) if len(traceparent) <= LONGEST else None
    if match is None or match["version"] == INVALID_VERSION or (match["version"] == VERSION and match["more"]):
        return None
    if not int(match["trace"], 16) or not int(match["span"], 16):
        return None
    return match["trace"], f"{int(match['flags'], 16) & 1:02x}"  # version 00 defines only this flag


@contextmanager
def entered(context: TraceContext) -> Iterator[None]:
    """Make `current` return `context` while the block runs."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def join(trace_id: str, span_id: str, flags: int) -> None:
    """Replace the trace id, the span id and the flags of the current request by the given ones of a tracer.

    Does nothing outside of requests.
    """
    if (context := _current.get()) is not None:
        _current.set(replace(context, trace_id=trace_id, span_id=span_id, flags=f"{flags & 1:02x}"))
