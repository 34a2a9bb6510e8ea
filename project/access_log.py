"""A line for each request: method, endpoint, status and duration, with the request's ids. Off unless ACCESS_LOG is set.

The endpoint is a name of the URL map. Neither the path nor the query is written, because both can have a secret.
"""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from project.metrics.endpoints import endpoint

logger = logging.getLogger("project.access")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Answer = Callable[[HttpRequest], HttpResponseBase]


def access_log(answer: Answer) -> Answer:
    """Log each request. Middleware: inside of `request_ids`. Not used unless ACCESS_LOG is set."""
    if not settings.ACCESS_LOG:
        raise MiddlewareNotUsed

    def logged(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = answer(request)
        fields = {
            "method": request.method if request.method in METHODS else "other",
            "endpoint": endpoint(request),
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - began) * 1000, 1),
        }
        logger.info("%s %s %s %s ms", *fields.values(), extra={"fields": fields})
        return response

    return logged
