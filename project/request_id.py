"""One id for each request: in the log, in the answer's header X-Request-ID, and on the issuer's error pages.

- A proxy's or client's own id is used if it has a safe form. So one id finds a request in the logs of both.
- Any other value is ignored, and a random id is made: the id is written into the log and into pages.
- The id is no secret and grants nothing.
"""

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
SAFE = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""A request's own id, such as a UUID or nginx's $request_id."""
BYTES = 12

Answer = Callable[[HttpRequest], HttpResponseBase]
# For the time of one request, in the thread that answers it.
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """Return the id of the request that this thread answers, or "" outside of requests."""
    return _current.get()


def chosen(sent: str) -> str:
    """Return the id that the request sent, if its form is safe, else a random id."""
    return sent if SAFE.fullmatch(sent) else secrets.token_hex(BYTES)


def request_ids(answer: Answer) -> Answer:
    """Give each request its id, as `request.request_id`, and add the header to its answer. Middleware."""

    def with_id(request: HttpRequest) -> HttpResponseBase:
        name = chosen(request.headers.get(HEADER, ""))
        request.request_id = name  # type: ignore[attr-defined] # tokens/views/failures.py shows it
        token = _current.set(name)
        try:
            response = answer(request)
        finally:
            _current.reset(token)
        # A shared cache would give the id of one request to all others.
        if "public" not in response.headers.get("Cache-Control", ""):
            response.headers[HEADER] = name
        return response

    return with_id
