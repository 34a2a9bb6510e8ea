"""Logs method, endpoint, status and duration of each request, with its request id and trace id.

The log is off unless ACCESS_LOG is set. The endpoint is a name of the URL map. Path and query are not logged, because
both can contain a secret.
"""

import logging
import time
from collections.abc import Callable

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from project import conf
from project.metrics.endpoints import endpoint

logger = logging.getLogger("project.access")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Answer = Callable[[HttpRequest], HttpResponseBase]


def access_log(answer: Answer) -> Answer:
    """Return a middleware that logs each request. Place it after `request_ids`.

    Raises MiddlewareNotUsed unless ACCESS_LOG is set.
    """
    if not conf.has_access_log():
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
