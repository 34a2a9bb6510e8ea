"""Answers 503 while the database fails, and writes a line of the audit log for every 503 of any cause."""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from tokens import errors
from tokens.audit.outages import unavailability
from tokens.database_errors import outage
from tokens.views import failures

logger = logging.getLogger(__name__)
RETRY_AFTER = 5  # seconds

Answer = Callable[[HttpRequest], HttpResponseBase]


def unavailable(error: Exception) -> HttpResponse | None:
    """Return 503 in JSON if `error` is the database's state (RFC 9110 section 15.6.4), else None.

    Nothing was acknowledged. One-time credentials, such as a client assertion, can be spent all the same.
    """
    reason = outage(error)
    if reason is None:
        return None
    body = {"error": "temporarily_unavailable", "error_description": "The database cannot be reached."}
    response = errors.answer(body, 503, {"Retry-After": str(RETRY_AFTER)}, reason=reason)
    response.cause = error  # type: ignore[attr-defined] # `noted` logs it
    return response


def unavailable_to(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return `unavailable`, as a page if the request comes from a browser."""
    answer = unavailable(error)
    if answer is None or "text/html" not in request.headers.get("Accept", ""):
        return answer
    page = failures.page(503, "The database cannot be reached at this moment. Try again soon, and check what was done.")
    page.headers["Retry-After"] = answer.headers["Retry-After"]
    page.__dict__.update(unavailable_because=outage(error), cause=error)
    return page


class DatabaseAway:
    """Middleware: a page or document whose view could not reach the database says so, and when to come again."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing: only what a view raises is of interest."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """503 where the database is the cause: a page for a browser, JSON for everybody else."""
        return unavailable_to(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer errors outside of views (handler500): 503 if the database failed a middleware such as the session's."""
    error = sys.exc_info()[1]
    return (isinstance(error, Exception) and unavailable_to(request, error)) or failures.broken(request)


def noted(answer: Answer) -> Answer:
    """Record each 503 in the audit log, and add Retry-After. Middleware: put it around all that can answer."""

    def with_note(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.setdefault("Retry-After", str(RETRY_AFTER))
            _note(request, response)
        return response

    return with_note


def _note(request: HttpRequest, response: HttpResponseBase) -> None:
    match = request.resolver_match
    endpoint = f"/{match.route}" if match else request.path_info
    reason = getattr(response, "unavailable_because", "") or response.reason_phrase
    written = unavailability.note(reason, endpoint=endpoint, now=timezone.now())
    if written and (cause := getattr(response, "cause", None)):
        logger.error("The database failed: %s", request.path, exc_info=cause)
