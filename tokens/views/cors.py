"""CORS: permit pages of other origins to read answers (Fetch standard, section 3.2).

- `cors`: pages may call an endpoint and read its answers if an active client registered their origin.
- `public`: pages of every origin may read a public document, such as the keys.
- `any_origin`: pages of every origin may call an endpoint that reads no cookie. Dynamic registration is one.
- No answer permits credentials, so a page can do no more than a program without the user's cookies.
- /oauth/authorize has no CORS headers, because browsers navigate to it and no script reads it.
"""

import re
from collections.abc import Callable
from functools import wraps

from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from tokens import errors
from tokens.addresses import origin_problem
from tokens.models import Client
from tokens.views.pages import View
from tokens.views.unavailable import unavailable

MAX_AGE = 600
"""Seconds for which a browser may cache the answer to a preflight."""
TRACING = "traceparent, tracestate, baggage, sentry-trace"
"""Headers that tracing libraries add to each request of a page (W3C Trace Context and Baggage, Sentry)."""
SCRIPTED = "X-Requested-With"
"""A header that Swagger UI and older libraries add to each request."""
CLIENT_HEADERS = f"Authorization, DPoP, Content-Type, Accept, {SCRIPTED}, {TRACING}"
PUBLIC_HEADERS = f"Accept, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, {SCRIPTED}, {TRACING}"
READ = ("GET", "HEAD")
EXPOSED = "WWW-Authenticate, DPoP-Nonce, Retry-After, ETag"


def cors(*methods: str) -> Callable[[View], View]:
    """Return a decorator that lets pages of registered origins call the view with `methods` and read its answer."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            origin = request.META.get("HTTP_ORIGIN", "")
            is_permitted = bool(origin) and is_registered(origin)
            if is_permitted and _is_preflight(request):
                response: HttpResponseBase = _preflight(methods, CLIENT_HEADERS)
            else:
                response = _answer(view, request, *args, **kwargs)
            patch_vary_headers(response, ["Origin"])  # also if refused: a cache must not mix the two answers
            if is_permitted:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = EXPOSED
            return response

        return answer

    return decorate


def public(view: View) -> View:
    """Return a view that permits every origin to read the answers of `view`, including errors.

    Use `public` only for public documents. The returned view answers 405 to methods other than GET and HEAD. `view`
    must not read the body.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method in READ:
            response = _answer(view, request, *args, **kwargs)
        elif _is_preflight(request):
            response = _preflight(READ, PUBLIC_HEADERS)
        else:
            response = HttpResponseNotAllowed(READ)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response

    answer.judges_its_body = True  # type: ignore[attr-defined] # so that `bodies` does not take it for a page
    return csrf_exempt(answer)


def any_origin(*methods: str) -> Callable[[View], View]:
    """Return a decorator that lets pages of every origin call the view with `methods` and read its answer.

    Use `any_origin` only for views that read no cookie and serve clients that are not registered yet.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if _is_preflight(request):
                response: HttpResponseBase = _preflight(methods, CLIENT_HEADERS)
            else:
                response = _answer(view, request, *args, **kwargs)
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            return response

        return answer

    return decorate


def is_registered(origin: str) -> bool:
    """Return True if an active client registered exactly this origin."""
    # Only such an origin can be registered. The check prevents a request from searching the database for any text.
    if origin_problem(origin) is not None:
        return False
    # The database compares whole origins. A search for substrings would also find and read the rows of similar origins,
    # of which self-registered clients can add thousands.
    whole = rf"(^|\s){re.escape(origin)}(\s|$)"
    return Client.objects.filter(is_active=True, allowed_origins__regex=whole).exists()


def _answer(view: View, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Return the view's answer, or 503 in JSON if the view failed because of an outage of the database."""
    # The middleware `DatabaseAway` would answer without CORS headers, so that no page could read its answer.
    try:
        return view(request, *args, **kwargs)
    except Error as error:
        if (answer := unavailable(error)) is None:
            raise
        return answer


def _is_preflight(request: HttpRequest) -> bool:
    """Return True if the request is a CORS preflight."""
    return request.method == "OPTIONS" and {"Origin", "Access-Control-Request-Method"} <= request.headers.keys()


def _preflight(methods: tuple[str, ...], headers: str) -> HttpResponse:
    """Return 204 with the permitted methods and request headers."""
    permissions = {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": headers,
        "Access-Control-Max-Age": str(MAX_AGE),
    }
    return errors.empty(204, permissions)
