"""Middleware that gives each request its ids (trace_context.py), and a filter that writes them into the log.

In the settings of a project:

    MIDDLEWARE = ["keyturn_resources.request_ids.request_ids", …]
    LOGGING = {"filters": {"ids": {"()": "keyturn_resources.request_ids.IdFields"}}, …}

Formats of a handler with that filter can then have %(request_id)s and %(trace_id)s.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from . import trace_context
from .trace_context import REQUEST_ID, TRACEPARENT

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def request_ids(get_response: GetResponse) -> GetResponse:
    """Return middleware that gives each request its ids, as `request.request_id`, and its answer the header."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        headers = request.headers
        context = trace_context.of_request(headers.get(REQUEST_ID, ""), headers.get(TRACEPARENT, ""))
        request.request_id = context.request_id  # type: ignore[attr-defined] # error pages show it
        request.trace_id = context.trace_id  # type: ignore[attr-defined] # for lines that Django logs after all middleware
        with trace_context.entered(context):
            response = get_response(request)
        # A shared cache would give the id of one request to all others.
        if "public" not in response.headers.get("Cache-Control", ""):
            response.headers[REQUEST_ID] = context.request_id
        return response

    return middleware


def ids_of(record: logging.LogRecord) -> tuple[str, str]:
    """Return the request's id and its trace id for a line of the log, or "" for both outside of requests."""
    if (context := trace_context.current()) is not None:
        return context.request_id, context.trace_id
    # Django logs some answers after all middleware, with the request.
    request = getattr(record, "request", None)
    return str(getattr(request, "request_id", "")), str(getattr(request, "trace_id", ""))


class IdFields(logging.Filter):
    """Adds `request_id` and `trace_id` to each record, for formatters. Both are "" outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True: no line is dropped."""
        record.request_id, record.trace_id = ids_of(record)
        return True
