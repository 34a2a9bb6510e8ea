"""What is answered while the database does not: 503 and when to come again, in the form that was asked for."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from tokens import errors
from tokens.views import failures

logger = logging.getLogger(__name__)
RETRY_AFTER = 5  # seconds


AWAY = (OperationalError, InterfaceError)
"""What Django raises where the database cannot be reached, or a lock was not had in time."""


def unavailable(request: HttpRequest, cause: Exception) -> HttpResponse:
    """503 in JSON (RFC 9110 section 15.6.4); the log keeps the cause.

    Nothing that the answer would have acknowledged was done. A proof that is good once may be used up: ask anew.
    """
    logger.error("The database failed: %s", request.path, exc_info=cause)
    body = {"error": "temporarily_unavailable", "error_description": "The database cannot be reached."}
    return errors.answer(body, 503, {"Retry-After": str(RETRY_AFTER)})


class DatabaseAway:
    """Middleware: a page or document whose view could not reach the database says so, and when to come again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing: only what a view raises is of interest."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """503 where the database is the cause: a page for a browser, JSON for everybody else."""
        if not isinstance(exception, AWAY):
            return None
        told = unavailable(request, exception)
        if "text/html" not in request.headers.get("Accept", ""):
            return told
        answer = failures.page(503, "It cannot be reached at this moment. Try again soon, and look what was done.")
        answer.headers["Retry-After"] = told.headers["Retry-After"]
        return answer
