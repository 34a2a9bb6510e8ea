"""Answers the probes of load balancers before the Host is checked, because probes name a machine by its IP address."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

Answer = Callable[[HttpRequest], HttpResponseBase]
PROBES = frozenset({"/healthz", "/readyz"})


def probes(answer: Answer) -> Answer:
    """Return middleware that answers /healthz and /readyz for any Host and scheme, without a session.

    `answer` is the next middleware, which gets every other request.
    """

    def first(request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in PROBES:
            return answer(request)
        view, args, kwargs = resolve(request.path_info)
        response: HttpResponseBase = view(request, *args, **kwargs)
        return response

    return first
