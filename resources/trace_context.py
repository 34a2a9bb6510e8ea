"""The ids by which one request is found in the logs of every process that it passed: its own id, and its trace.

- X-Request-ID is used if it has a safe form, else a random one is made.
- `traceparent` is W3C Trace Context (level 1). A malformed one is replaced by a new trace (section 3.2.2). Its parts
  are hexadecimal, so nothing that a client sends gets into a log in another form.
- `tracestate` is not passed on: it belongs to the systems that trace (section 3.3), and its values are free text.
- The ids are no secret and grant nothing.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

REQUEST_ID = "X-Request-ID"
TRACEPARENT = "traceparent"
SAFE = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""A request's own id, such as a UUID or nginx's $request_id."""
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
    """The ids of one request."""

    request_id: str
    trace_id: str
    span_id: str
    """The span of this process."""
    flags: str = SAMPLED

    @property
    def traceparent(self) -> str:
        """Return the header for requests that this one causes."""
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{self.flags}"

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers for requests that this one causes."""
        return {REQUEST_ID: self.request_id, TRACEPARENT: self.traceparent}


_current: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)
"""For the time of one request, in the thread that answers it."""


def current() -> TraceContext | None:
    """Return the ids of the request that this thread answers, or None outside of requests."""
    return _current.get()


def forwarded() -> dict[str, str]:
    """Return the headers for requests that the current one causes; none outside of requests."""
    context = _current.get()
    return context.headers if context else {}


def of_request(request_id: str, traceparent: str) -> TraceContext:
    """Return the ids of a request by its headers, "" for a header that it lacks. A malformed header is replaced."""
    name = request_id if SAFE.fullmatch(request_id) else secrets.token_hex(BYTES)
    parent = parsed(traceparent)
    if parent is None:
        return TraceContext(name, secrets.token_hex(16), secrets.token_hex(8))
    trace_id, flags = parent
    return TraceContext(name, trace_id, secrets.token_hex(8), flags)


def parsed(traceparent: str) -> tuple[str, str] | None:
    """Return the trace id and the flags of a traceparent, or None if it is malformed (sections 3.2.2 and 3.2.4)."""
    match = FORM.fullmatch(traceparent) if len(traceparent) <= LONGEST else None
    if match is None or match["version"] == INVALID_VERSION or (match["version"] == VERSION and match["more"]):
        return None
    if not int(match["trace"], 16) or not int(match["span"], 16):
        return None
    return match["trace"], f"{int(match['flags'], 16) & 1:02x}"  # only the flag that version 00 defines


@contextmanager
def entered(context: TraceContext) -> Iterator[None]:
    """Make the ids those of the block."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def join(trace_id: str, span_id: str) -> None:
    """Replace the trace and the span of the current request by those of a tracer."""
    if (context := _current.get()) is not None:
        _current.set(replace(context, trace_id=trace_id, span_id=span_id))
