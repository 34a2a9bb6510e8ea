"""Middleware that gives each request its ids (telemetry/trace_context.py), and a filter that adds them to log records.

In the settings of a project:

    MIDDLEWARE = ["keyturn_resources.request_ids.request_ids", …]
    LOGGING = {"filters": {"ids": {"()": "keyturn_resources.request_ids.IdFields"}}, …}

The format of a handler with this filter can then contain %(request_id)s and %(trace_id)s.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from .telemetry import trace_context
from .telemetry.trace_context import REQUEST_ID

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def request_ids(get_response: GetResponse) -> GetResponse:
    """Return middleware that sets `request.request_id` and `request.trace_id`, and sends the request id in the answer.

    If the Cache-Control of an answer contains "public", the request id is not sent.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        meta = request.META  # cheaper than `request.headers`, which would be built for each request
        context = trace_context.of_request(meta.get("HTTP_X_REQUEST_ID", ""), meta.get("HTTP_TRACEPARENT", ""))
        request.request_id = context.request_id  # type: ignore[attr-defined] # error pages show it
        request.trace_id = context.trace_id  # type: ignore[attr-defined] # for lines that Django logs after all middleware
        with trace_context.entered(context):
            response = get_response(request)
        # A shared cache would send the id of one request in the answers to all others.
        if "public" not in response.headers.get("Cache-Control", ""):
            response.headers[REQUEST_ID] = context.request_id
        return response

    return middleware


def ids_of(record: logging.LogRecord) -> tuple[str, str]:
    """Return the request id and the trace id for a log record, or "" for both outside of requests."""
    if (context := trace_context.current()) is not None:
        return context.request_id, context.trace_id
    # Django logs some answers after all middleware has run. The record then has the request.
    request = getattr(record, "request", None)
    return str(getattr(request, "request_id", "")), str(getattr(request, "trace_id", ""))


class IdFields(logging.Filter):
    """A log filter that adds `request_id` and `trace_id` to each record. Both are "" outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `request_id` and `trace_id` to the record. Returns True."""
        record.request_id, record.trace_id = ids_of(record)
        return True  # keeps the record
