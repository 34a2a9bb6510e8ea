"""Middleware of an API: errors in JSON, probes of load balancers, and answers that caches must not store.

- `json_errors` turns HTML errors into JSON. It must be first. To leave the other pages of a site unchanged, it rewrites
  an error only if the request is for the API (see `belongs_to_api`) and the client does not prefer HTML.
- `probes` answers /healthz and /readyz before Django checks the Host. It must be second.
- `no_store` forbids caches to store the answer to a request that JWTAuthentication has processed. A view can permit
  caches by a Cache-Control of its own, but cannot remove `Vary: Authorization`. `no_store` also sends the nonce for a
  client's next DPoP proof.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers

from . import possession, views
from .authentication import JWTAuthentication, is_marked
from .conf import resource_server

GetResponse = Callable[[HttpRequest], HttpResponseBase]
PROBES = frozenset({"/healthz", "/readyz"})


def probes(get_response: GetResponse) -> GetResponse:
    """Return middleware that answers /healthz and /readyz without checking the Host. Place it after `json_errors`."""

    # Load balancers name a machine by its IP address, which ALLOWED_HOSTS does not contain.
    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in PROBES:
            return get_response(request)
        view, args, kwargs = resolve(request.path_info)
        response: HttpResponseBase = view(request, *args, **kwargs)
        return response

    return middleware


def json_errors(get_response: GetResponse) -> GetResponse:
    """Return middleware that replaces the body of an API's HTML error by the JSON `{"detail": …}`.

    The status and all headers except Content-Type and Content-Length stay.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if (
            response.status_code >= HTTPStatus.BAD_REQUEST
            and not _is_json(response)
            and not prefers_html(request)
            and belongs_to_api(request)
        ):
            _put(response, JsonResponse({"detail": response.reason_phrase}).content)
        return response

    return middleware


def no_store(get_response: GetResponse) -> GetResponse:
    """Return middleware that keeps the answers of protected views out of caches (RFC 9111 sections 3.5 and 5.2.2.5)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if is_marked(request):
            possession.add_nonce(request, response)
            patch_vary_headers(response, ["Authorization"])
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def prefers_html(request: HttpRequest) -> bool:
    """Return True if the Accept header prefers text/html to application/json. Returns False for `*/*`."""
    try:
        return request.get_preferred_type(["application/json", "text/html"]) == "text/html"
    except (LookupError, ValueError):  # a header that cannot be read prefers nothing
        return False


def belongs_to_api(request: HttpRequest) -> bool:
    """Return True if the request is for the API.

    This is so if its path is one of PATHS or below one, or if its view uses JWTAuthentication or is in `views`.
    """
    if is_below_paths(request.path_info):
        return True
    try:
        view = resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Resolver404:
        return False
    return view.__module__ == views.__name__ or is_guarded(view)


def is_below_paths(path: str) -> bool:
    """Return True if the path is one of PATHS, or below one."""
    prefixes = [prefix.rstrip("/") for prefix in resource_server().paths]
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def is_guarded(view: Callable[..., object]) -> bool:
    """Return True if `view` is a DRF view that authenticates with JWTAuthentication."""
    classes = getattr(getattr(view, "cls", None), "authentication_classes", ())
    # `as_view(authentication_classes=…)` overrides the class.
    classes = getattr(view, "initkwargs", {}).get("authentication_classes", classes)
    return any(isinstance(entry, type) and issubclass(entry, JWTAuthentication) for entry in classes)


def _is_json(response: HttpResponseBase) -> bool:
    """Return True if the media type is JSON or based on JSON, for example `application/problem+json` (RFC 9457)."""
    kind = response.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _put(response: HttpResponseBase, content: bytes) -> None:
    """Replace the body of `response` by `content`, which is JSON."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = iter([content])
    elif isinstance(response, HttpResponse):
        response.content = content
    response["Content-Type"] = "application/json"
    response["Content-Length"] = str(len(content))
