"""One id for each request: in the log, in the answer's header X-Request-ID, and on the issuer's error pages.

`resources/telemetry/trace_context.py` has the rules for ids, and `resources/request_ids.py` the middleware, which APIs
need, too.
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
