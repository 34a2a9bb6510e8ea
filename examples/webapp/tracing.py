"""The request id and the trace id of each request.

The application takes the ids from the request or makes new ones, logs them, and sends them to issuer and API.

- A malformed `traceparent` (W3C Trace Context) or X-Request-ID is replaced, so that it cannot forge lines of the log.
- With OTEL_TRACES=true, the application's span is the parent of the spans of issuer and API. Each process sends its own
  spans to a collector. Sending needs the packages that MISSING names.
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
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
MISSING = "OTEL_TRACES needs: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ids:
    """The request id and the ids of the trace (W3C Trace Context) of one request."""

    request_id: str
    trace_id: str
    span_id: str
    flags: str
    """The trace flags (W3C Trace Context), which are "01" if the spans of the trace are exported, else "00"."""


_current: ContextVar[Ids | None] = ContextVar("ids", default=None)


def request_ids(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return Django middleware that sets the ids of each request, and logs the status and the duration of the request.

    The response has the request id in the header X-Request-ID.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        sent, began = request.headers.get("X-Request-ID", ""), time.perf_counter()
        trace = TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        name = sent if REQUEST_ID.fullmatch(sent) else secrets.token_hex(12)
        trace_id, flags = (trace[1], _sampled(int(trace[2], 16))) if trace else (secrets.token_hex(16), "01")
        token = _current.set(Ids(name, trace_id, secrets.token_hex(8), flags))
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


def export_spans(service: str) -> None:
    """Send the spans of this process to a collector, in batches, by OTLP over HTTP.

    `service` is the name under which the spans appear. The exporter is configured by the environment variables of
    OpenTelemetry's SDK, such as OTEL_EXPORTER_OTLP_ENDPOINT. Call this function in the worker process, because it
    starts a thread. Raises ImproperlyConfigured if a package is missing.
    """
    try:
        from opentelemetry import trace  # noqa: PLC0415 (optional)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise ImproperlyConfigured(MISSING) from None
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@contextmanager
def span(traceparent: str) -> Iterator[None]:
    """Run the block in a span of OpenTelemetry, if OpenTelemetry is installed.

    `traceparent` names the trace and the span of the caller, or is "" to begin a new trace.
    """
    try:
        from opentelemetry import propagate, trace  # noqa: PLC0415 (optional)
    except ImportError:
        yield
        return
    parent = propagate.extract({"traceparent": traceparent})
    with trace.get_tracer(__name__).start_as_current_span("webapp", parent, kind=trace.SpanKind.SERVER) as own:
        span_context, ids = own.get_span_context(), _current.get()
        if span_context.is_valid and ids:
            trace_id, span_id = f"{span_context.trace_id:032x}", f"{span_context.span_id:016x}"
            _current.set(replace(ids, trace_id=trace_id, span_id=span_id, flags=_sampled(span_context.trace_flags)))
        yield


def _sampled(flags: int) -> str:
    """Return "01" if the trace flags (W3C Trace Context) say that the trace is sampled, else "00".

    Issuer and API get this value with each request. They export their spans only if it is "01".
    """
    return f"{flags & 1:02x}"


def headers() -> dict[str, str]:
    """Return the headers that pass the trace of the request that is being served on to the issuer or the API.

    Returns {} if no request is being served.
    """
    ids = _current.get()
    if ids is None:
        return {}
    return {"X-Request-ID": ids.request_id, "traceparent": f"00-{ids.trace_id}-{ids.span_id}-{ids.flags}"}


class TracedApp(DjangoOAuth2App):
    """Authlib's client of the issuer. It adds the headers that continue the trace (`headers()`) to its requests."""

    def _get_oauth_client(self, **metadata: object) -> OAuth2Session:
        session: OAuth2Session = super()._get_oauth_client(**metadata)  # type: ignore[no-untyped-call]
        session.headers.update(headers())
        return session


class JsonLine(logging.Formatter):
    """A log formatter that writes each record as one line of JSON, with the ids of the request if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if ids := _current.get():
            line |= {"request": ids.request_id, "trace": ids.trace_id}
        return json.dumps(line)
