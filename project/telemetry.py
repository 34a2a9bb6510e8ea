"""Traces for OpenTelemetry: a span for each request, in the trace of the caller. Off unless OTEL_TRACES is set.

- The SDK and the exporter (OTLP over HTTP) come with the extra `otel`. The SDK's own variables configure them, such as
  OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_TRACES_SAMPLER.
- A span has the method, the endpoint and the status. It has no URL, header, address or error text, because these can
  contain a token or an address of a user.
- The lines of the log have the trace id of the span.
- Spans are sent in batches in the background, and the last ones when the worker process ends.
"""

import multiprocessing
import threading
from collections.abc import Callable
from functools import cache
from multiprocessing.util import Finalize
from typing import Any

from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from project import conf
from project.access_log import METHODS
from project.metrics.endpoints import endpoint
from resources.telemetry import trace_context

MISSING = "OTEL_TRACES needs the packages of the extra `otel`: pip install 'keyturn[otel]'."
LAST = 1.0
"""The longest time in seconds for which a worker that ends sends its last spans."""

Answer = Callable[[HttpRequest], HttpResponseBase]


def traced(answer: Answer) -> Answer:
    """Return a middleware that gives each request a span. Place it after `request_ids`.

    Raises MiddlewareNotUsed unless OTEL_TRACES is set, and ImproperlyConfigured if the SDK is not installed.
    """
    if not conf.has_traces():
        raise MiddlewareNotUsed
    tracer, kind, error = _tracer()

    def with_span(request: HttpRequest) -> HttpResponseBase:
        # Exceptions are not recorded, because their text can contain a secret.
        with tracer.start_as_current_span(
            "request", _parent(request), kind=kind, record_exception=False, set_status_on_exception=False
        ) as span:
            ids = span.get_span_context()
            trace_context.join(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", ids.trace_flags)
            status = 500
            try:
                response = answer(request)
                status = response.status_code
            finally:
                _describe(span, request, status, error)
            return response

    return with_span


def _describe(span: Any, request: HttpRequest, status: int, error: Any) -> None:
    """Name the span, and set its attributes. `status` is the HTTP status of the response.

    If `status` is 500 or higher, the span gets the span status `error`.
    """
    method = request.method if request.method in METHODS else "_OTHER"
    route = endpoint(request)
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
    if status >= 500:  # a refused request (4xx) is no error of the server
        span.set_status(error)


def _parent(request: HttpRequest) -> Any:
    """Return the caller's span as a context, or an empty context if the traceparent header is malformed or missing."""
    from opentelemetry.context import Context  # noqa: PLC0415 (optional)
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    header = request.headers.get(trace_context.TRACEPARENT, "")
    if trace_context.parsed(header) is None:
        return Context()
    return TraceContextTextMapPropagator().extract({trace_context.TRACEPARENT: header}, Context())


def _tracer() -> tuple[Any, Any, Any]:
    """Return the tracer, the span kind SERVER, and the span status ERROR.

    Raises ImproperlyConfigured if the SDK is not installed.
    """
    try:
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415
    except ImportError:
        raise ImproperlyConfigured(MISSING) from None
    return provider().get_tracer("keyturn"), SpanKind.SERVER, Status(StatusCode.ERROR)


@cache
def provider() -> Any:
    """Return the tracer provider of this process, which sends spans in the background.

    Raises ImproperlyConfigured if the SDK is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise ImproperlyConfigured(MISSING) from None
    tracer_provider = TracerProvider(resource=Resource.create({"service.name": conf.service_name()}))
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # The SDK sends the last spans by `atexit`, which a forked worker does not call in Python 3.11.
    if multiprocessing.parent_process() is not None:
        Finalize(None, _send_last, args=(tracer_provider,), exitpriority=0)
    return tracer_provider


def _send_last(tracer_provider: Any) -> None:
    """Send the remaining spans of `tracer_provider` when the process ends.

    Waits for at most LAST seconds.
    """
    # An unreachable collector must not delay the end.
    sending = threading.Thread(target=tracer_provider.shutdown, name="last spans", daemon=True)
    sending.start()
    sending.join(LAST)
