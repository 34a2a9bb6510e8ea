"""Errors of an API are JSON, those too that no view of it answered: an unknown path, host or method."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import resolve

Answer = Callable[[HttpRequest], HttpResponseBase]
PROBES = frozenset({"/healthz", "/readyz"})


def probes(answer: Answer) -> Answer:
    """Middleware after `json_errors` that answers the probes of load balancers, which call a machine by its address."""

    def first(request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in PROBES:
            return answer(request)
        view, args, kwargs = resolve(request.path_info)
        response: HttpResponseBase = view(request, *args, **kwargs)
        return response

    return first


def json_errors(answer: Answer) -> Answer:
    """Middleware, first of all: an error's page becomes `{"detail": …}`; its status and headers stay."""

    def in_json(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST and not _is_json(response):
            _put(response, JsonResponse({"detail": response.reason_phrase}).content)
        return response

    return in_json


def _is_json(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").partition(";")[0] == "application/json"


def _put(response: HttpResponseBase, content: bytes) -> None:
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = iter([content])
    elif isinstance(response, HttpResponse):
        response.content = content
    response["Content-Type"] = "application/json"
    response["Content-Length"] = str(len(content))
