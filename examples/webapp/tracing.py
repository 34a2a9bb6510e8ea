"""The ids of a request: the application makes or continues them, logs them, and sends them to issuer and API.

- `traceparent` (W3C Trace Context) and X-Request-ID of a malformed form are replaced, so that they cannot forge lines.
- With OpenTelemetry's SDK configured, the application's span is the parent of those of issuer and API.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from authlib.integrations.django_client import DjangoOAuth2App
from authlib.integrations.requests_client import OAuth2Session
from django.http import HttpRequest, HttpResponse

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of the request that this thread answers."""

    request_id: str
    trace_id: str
    span_id: str


_current: ContextVar[Ids | None] = ContextVar("ids", default=None)


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return middleware that gives each request its ids, and logs it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        sent, began = request.headers.get("X-Request-ID", ""), time.perf_counter()
        trace = TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        name = sent if REQUEST_ID.fullmatch(sent) else secrets.token_hex(12)
        token = _current.set(Ids(name, trace[1] if trace else secrets.token_hex(16), secrets.token_hex(8)))
        try:
            with span(trace[0] if trace else ""):
                response = get_response(request)
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            logger.info("%d after %s ms", response.status_code, milliseconds)
        finally:
            _current.reset(token)
        response.headers["X-Request-ID"] = name
        return response

    return middleware


@contextmanager
def span(traceparent: str) -> Iterator[None]:
    """Make the request a span of OpenTelemetry, in the trace of its caller, if OpenTelemetry is installed."""
    try:
        from opentelemetry import propagate, trace  # noqa: PLC0415 (optional)
    except ImportError:
        yield
        return
    parent = propagate.extract({"traceparent": traceparent})
    with trace.get_tracer(__name__).start_as_current_span("webapp", parent, kind=trace.SpanKind.SERVER) as own:
        ids, found = own.get_span_context(), _current.get()
        if ids.is_valid and found and isinstance(own, trace.Span) and own.is_recording():
            _current.set(replace(found, trace_id=f"{ids.trace_id:032x}", span_id=f"{ids.span_id:016x}"))
        yield


def headers() -> dict[str, str]:
    """Return the headers that continue the trace in a request to issuer or API; none outside of requests."""
    ids = _current.get()
    if ids is None:
        return {}
    return {"X-Request-ID": ids.request_id, "traceparent": f"00-{ids.trace_id}-{ids.span_id}-01"}


class TracedApp(DjangoOAuth2App):
    """Authlib's client, whose requests have these headers."""

    def _get_oauth_client(self, **metadata: object) -> OAuth2Session:
        session: OAuth2Session = super()._get_oauth_client(**metadata)  # type: ignore[no-untyped-call]
        session.headers.update(headers())
        return session


class JsonLine(logging.Formatter):
    """One JSON object in each line, with the ids."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if ids := _current.get():
            line |= {"request": ids.request_id, "trace": ids.trace_id}
        return json.dumps(line)
