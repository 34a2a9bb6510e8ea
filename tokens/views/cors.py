"""CORS: which pages of other origins may read an answer (Fetch standard, section 3.2).

Single-page applications name their origin at registration; what is public, such as the keys, any page may read. Nothing
here sends or takes cookies, so an origin that is let in can do what any program can, and no more. /oauth/authorize has
none of this: it is a place to go to.
"""

from collections.abc import Callable
from functools import wraps

from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from tokens.models import Client
from tokens.views.unavailable import unavailable

View = Callable[..., HttpResponseBase]
KEPT = 600  # seconds; for as long a browser need not ask again
TRACING = "traceparent, tracestate, baggage, sentry-trace"
"""Headers that tracing libraries add to each request of a page (W3C Trace Context and Baggage, Sentry)."""
ASKED = f"Authorization, Content-Type, Accept, {TRACING}"
ASKED_OF_ALL = f"Accept, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, {TRACING}"
READ = ("GET", "HEAD")
EXPOSED = "WWW-Authenticate, Retry-After, ETag"


def cors(*methods: str) -> Callable[[View], View]:
    """Let registered origins call the view by these methods and read its answer."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            origin = request.headers.get("Origin", "")
            allowed = bool(origin) and is_registered(origin)
            if allowed and _is_preflight(request):
                response: HttpResponseBase = _preflight(methods, ASKED)
            else:
                response = _answer(view, request, *args, **kwargs)
            patch_vary_headers(response, ["Origin"])
            if allowed:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = EXPOSED
            return response

        return answer

    return decorate


def public(view: View) -> View:
    """Let any page read the view's answer, whatever it is: there is nothing in it that is not for everybody.

    The view is asked by GET and HEAD alone, and reads no body.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method in READ:
            response = _answer(view, request, *args, **kwargs)
        elif _is_preflight(request):
            response = _preflight(READ, ASKED_OF_ALL)
        else:
            response = HttpResponseNotAllowed(READ)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response

    answer.judges_its_body = True  # type: ignore[attr-defined]
    return csrf_exempt(answer)


def is_registered(origin: str) -> bool:
    """Whether an active client named exactly this origin."""
    candidates = Client.objects.filter(is_active=True, allowed_origins__contains=origin)
    return any(origin in known.split() for known in candidates.values_list("allowed_origins", flat=True))


def _answer(view: View, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """The view's answer; that the database failed it is for the page to read as well."""
    try:
        return view(request, *args, **kwargs)
    except Error as error:
        if (answer := unavailable(error)) is None:
            raise
        return answer


def _is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and {"Origin", "Access-Control-Request-Method"} <= request.headers.keys()


def _preflight(methods: tuple[str, ...], asked: str) -> HttpResponse:
    headers = {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": asked,
        "Access-Control-Max-Age": str(KEPT),
    }
    return HttpResponse(status=204, headers=headers)
