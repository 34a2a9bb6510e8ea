"""Middleware that measures requests. It starts to collect metrics when a server process loads its application."""

import time
from collections.abc import Callable

from django.apps import apps
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from project import conf
from project.metrics import catalog, state
from project.metrics.endpoints import endpoint
from project.metrics.labels import status_class
from resources.telemetry import prometheus
from resources.telemetry.metrics import add

Answer = Callable[[HttpRequest], HttpResponseBase]


def measured(answer: Answer) -> Answer:
    """Return a middleware that measures the duration of each request. Place it first, so that it covers all others.

    Raises MiddlewareNotUsed unless METRICS_PORT is set.
    """
    if not conf.metrics_port():
        raise MiddlewareNotUsed
    start()

    def timed(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        status = 500
        try:
            response = answer(request)
            status = response.status_code
        finally:
            add(catalog.DURATION, endpoint(request), status_class(status), amount=time.perf_counter() - began)
        return response

    return timed


def start() -> None:
    """Start to collect and export the metrics of this server process. Does nothing at a second call.

    The setting RESOURCE_SERVER["METRICS"], not this function, exports the metrics in `resources/telemetry/metrics.py`.
    """
    # If the application is loaded again, the existing sink is used.
    if _started:
        return
    _started.append(True)
    prometheus.attach(catalog.METRICS)
    readers: list[state.Reader] = [state.of_databases]
    if apps.is_installed("tokens"):
        from project.metrics import events, issuer_state  # noqa: PLC0415 (an API has no issuer's models)
        from tokens import background  # noqa: PLC0415

        events.attach()
        background.observers.append(issuer_state.DatabaseReader())
        readers.append(issuer_state.of_memory)
    state.Sampler(readers).start()


_started: list[bool] = []
"""Has one element if this process has started to collect metrics, else none. Lives as long as the process."""
