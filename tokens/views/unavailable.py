"""What is answered while the database does not: 503 and when to come again, in the form that was asked for."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from tokens import errors
from tokens.views import failures

logger = logging.getLogger(__name__)
RETRY_AFTER = 5  # seconds


class DatabaseAway:
    """Middleware: a view that could not reach the database, or lost a race for a lock, did nothing: ask again.

    RFC 9110 section 15.6.4. A browser gets a page, everybody else the errors of the endpoints.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing: only what a view raises is of interest."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """503 where the database is the cause; the log keeps how."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        logger.error("The database failed: %s", request.path, exc_info=exception)
        if "text/html" not in request.headers.get("Accept", ""):
            body = {"error": "temporarily_unavailable", "error_description": "The database cannot be reached."}
            return errors.answer(body, 503, {"Retry-After": str(RETRY_AFTER)})
        answer = failures.page(503, "It cannot be reached at this moment. Nothing was lost; try again soon.")
        answer.headers["Retry-After"] = str(RETRY_AFTER)
        return answer
