"""One id for each request: in the log, in the answer's header X-Request-ID, and on the issuer's error pages.

The rules for ids are in `resources/telemetry/trace_context.py`. The middleware is in `resources/request_ids.py`,
because APIs need it, too.
"""

from resources.request_ids import request_ids
from resources.telemetry import trace_context

__all__ = ["HEADER", "SAFE", "current", "request_ids"]

HEADER = trace_context.REQUEST_ID
SAFE = trace_context.SAFE


def current() -> str:
    """Return the id of the request that this thread answers, or "" outside of requests."""
    context = trace_context.current()
    return context.request_id if context else ""
