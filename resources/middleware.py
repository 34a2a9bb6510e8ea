"""Middleware of an API: errors in JSON, probes of load balancers, and answers that no cache keeps.

- `json_errors` stands first. It rewrites an error only if the request is the API's (see `belongs_to_api`) and the
  client does not prefer HTML, so that the pages of a site beside the API stay as they are.
- `probes` comes next. It answers /healthz and /readyz before the Host is checked.
- `no_store` marks every answer to a request that JWTAuthentication has looked at. A view overrides it by setting
  Cache-Control itself; `Vary: Authorization` stays.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers

from resources import views
from resources.authentication import JWTAuthentication, is_marked
from resources.conf import resource_server

Answer = Callable[[HttpRequest], HttpResponseBase]
PROBES = frozenset({"/healthz", "/readyz"})


def probes(answer: Answer) -> Answer:
    """Answer the probes of load balancers, which call a machine by its address. Middleware, after `json_errors`."""

    def first(request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in PROBES:
            return answer(request)
        view, args, kwargs = resolve(request.path_info)
        response: HttpResponseBase = view(request, *args, **kwargs)
        return response

    return first


def json_errors(answer: Answer) -> Answer:
    """Replace the page of an API's error by `{"detail": …}`. Status and headers stay."""

    def in_json(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        if (
            response.status_code >= HTTPStatus.BAD_REQUEST
            and not _is_json(response)
            and not prefers_html(request)
            and belongs_to_api(request)
        ):
            _put(response, JsonResponse({"detail": response.reason_phrase}).content)
        return response

    return in_json


def no_store(answer: Answer) -> Answer:
    """Keep the answers of protected views out of caches (RFC 9111 sections 3.5 and 5.2.2.5)."""

    def stored_nowhere(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        if is_marked(request):
            patch_vary_headers(response, ["Authorization"])
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return stored_nowhere


def prefers_html(request: HttpRequest) -> bool:
    """True if the Accept header prefers text/html to application/json. `*/*` prefers neither."""
    try:
        return request.get_preferred_type(["application/json", "text/html"]) == "text/html"
    except (LookupError, ValueError):  # a header that cannot be read prefers nothing
        return False


def belongs_to_api(request: HttpRequest) -> bool:
    """True if the path is below one of the PATHS, or is that of a guarded view or of `resources.urls`."""
    path = request.path_info
    prefixes = [prefix.rstrip("/") for prefix in resource_server().paths]
    if any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes):
        return True
    try:
        view = resolve(path, getattr(request, "urlconf", None)).func
    except Resolver404:
        return False
    return view.__module__ == views.__name__ or is_guarded(view)


def is_guarded(view: Callable[..., object]) -> bool:
    """True if `view` is a DRF view that authenticates with JWTAuthentication."""
    classes = getattr(getattr(view, "cls", None), "authentication_classes", ())
    classes = getattr(view, "initkwargs", {}).get("authentication_classes", classes)
    return any(isinstance(one, type) and issubclass(one, JWTAuthentication) for one in classes)


def _is_json(response: HttpResponseBase) -> bool:
    """True if the answer is JSON, or of a format that is written in it, as `application/problem+json` (RFC 9457)."""
    kind = response.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _put(response: HttpResponseBase, content: bytes) -> None:
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = iter([content])
    elif isinstance(response, HttpResponse):
        response.content = content
    response["Content-Type"] = "application/json"
    response["Content-Length"] = str(len(content))
