"""Answer 503 while the database fails, and write the reasons of all 503 answers to the audit log.

- A browser gets a page. Any other client gets JSON.
- An endpoint with CORS headers answers by itself (`cors`). The middleware here answers for all other views.
- The audit log gets at most one line per reason in 10 s (`audit.outages`). With each such line, the traceback of
  the error, if there is one, is written to the process's log.
"""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from tokens import errors
from tokens.audit.outages import unavailability
from tokens.database_errors import outage
from tokens.views import failures

logger = logging.getLogger(__name__)
RETRY_AFTER = 5  # seconds

Answer = Callable[[HttpRequest], HttpResponseBase]


def unavailable(error: Exception) -> HttpResponse | None:
    """Return 503 in JSON if `error` is an outage of the database (RFC 9110 section 15.6.4), else None.

    The transaction that failed is rolled back. An earlier transaction of the request stays committed, for example one
    that recorded a client assertion as used. If the connection was lost during a commit, the change might be saved.
    """
    reason = outage(error)
    if reason is None:
        return None
    body = {"error": "temporarily_unavailable", "error_description": "The database cannot be reached."}
    response = errors.answer(body, 503, {"Retry-After": str(RETRY_AFTER)}, reason=reason)
    response.cause = error  # type: ignore[attr-defined] # `audit_unavailable` logs it
    return response


def unavailable_to(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return 503 if `error` is an outage of the database, else None. A browser gets a page, other clients get JSON."""
    answer = unavailable(error)
    if answer is None or "text/html" not in request.headers.get("Accept", ""):
        return answer
    explanation = _(
        "The database cannot be reached at the moment. Try again soon, and check whether your last change was saved."
    )
    page = failures.page(request, 503, explanation)
    page.headers["Retry-After"] = answer.headers["Retry-After"]
    page.__dict__.update(unavailable_because=outage(error), cause=error)
    return page


class DatabaseAway:
    """Middleware that answers 503 with Retry-After if a view fails because of an outage of the database."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on. `process_exception` gets the errors of the view."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return 503 if the exception is an outage of the database, else None."""
        return unavailable_to(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """Return 503 if a middleware failed because of an outage of the database, else 500 (Django's `handler500`)."""
    error = sys.exc_info()[1]
    return (isinstance(error, Exception) and unavailable_to(request, error)) or failures.broken(request)


def audit_unavailable(answer: Answer) -> Answer:
    """Return middleware that adds Retry-After to each 503 response of `answer`, and writes the reason to the audit log.

    `answer` is the next middleware. At most one line per reason is written in ten seconds. In MIDDLEWARE, this
    middleware must stand before every middleware that can answer 503.
    """

    def with_note(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.setdefault("Retry-After", str(RETRY_AFTER))
            _note(request, response)
        return response

    return with_note


def _note(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write the reason of a 503 to the audit log. Write the traceback of its error, if any, to the process's log.

    Writes nothing if this process wrote the same reason less than 10 s ago.
    """
    # The line has the route, not the path, so that invented paths do not add lines.
    match = request.resolver_match
    endpoint = f"/{match.route}" if match else request.path_info
    reason = getattr(response, "unavailable_because", "") or response.reason_phrase
    written = unavailability.note(reason, endpoint=endpoint, now=timezone.now())
    if written and (cause := getattr(response, "cause", None)):
        logger.error("The database failed: %s", request.path, exc_info=cause)
