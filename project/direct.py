"""Answer the endpoints for programs (tokens, JWKS, metadata) without the middleware that only pages need.

The middleware for pages takes longer than most of these endpoints.

- A request is answered here if its path is one of PATHS, with or without the path of the issuer's URL before it.
  Exceptions are a request that a browser or a page can have sent (`_is_plain`), a request with a wrong Host, and a
  request that is redirected to https. Django's handler answers these exceptions and all other requests.
- This module and Django's handler give the same answer, by the same view and with the same headers
  (tests/project/test_direct.py compares them).
- The middleware in SHARED is applied, in the order of the setting MIDDLEWARE. The middleware in PAGES is left out: it
  does nothing for these endpoints, which read no cookie, and whose views refuse unreadable bodies themselves. If the
  settings have a middleware that this module does not name, all requests go to Django's handler.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any, cast

from django.apps import apps
from django.core.exceptions import MiddlewareNotUsed, PermissionDenied, SuspiciousOperation
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, resolve, set_script_prefix
from django.utils.log import log_response
from django.utils.module_loading import import_string

from project import conf

Answer = Callable[[HttpRequest], HttpResponse]

PATHS = (
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/revocations",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
)
SHARED = (
    "project.metrics.middleware.measured",
    "project.request_id.request_ids",
    "project.telemetry.traced",
    "project.access_log.access_log",
    "project.mount.mount",
    "project.postgresql.budget.bounded",
    "tokens.views.unavailable.audit_unavailable",
)
DATABASE_AWAY = "tokens.views.unavailable.DatabaseAway"
PAGES = frozenset(
    {
        "resources.middleware.json_errors",  # for an API on the same origin
        "resources.middleware.no_store",
        "project.page_language.page_language",
        "project.background.start_threads",  # Django's handler starts them
        "tokens.views.probes.probes",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "project.admin_host.admin_host",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "tokens.views.bodies.ReadableForms",
        "tokens.views.own_forms.own_forms",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "tokens.views.session_record.session_record",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    }
)
HEADERS = (
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
"""The middleware whose headers `Direct` itself adds."""


class Body(list[bytes]):
    """The body of an answer. The server calls `close` after it sent the answer."""

    def close(self) -> None:
        """Close database connections that are broken or too old, as Django does after each request."""
        close_old_connections()


class Direct:
    """The handler of requests for the endpoints in PATHS. It leaves out the middleware in PAGES.

    One instance lives as long as the process.
    """

    def __init__(self, request_class: type[WSGIRequest]) -> None:
        self._request_class = request_class
        self._security, self._common = SecurityMiddleware(_unused), CommonMiddleware(_unused)
        self._matches = dict(_table(conf.mount()))
        self._answer = _chain(conf.middleware()) if self._matches else _unused
        self._added = {scheme: self._headers(scheme) for scheme in ("http", "https")}

    def answer(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Body | None:
        """Call `start_response` and return the body of the answer. Returns None if Django's handler must answer."""
        match = self._matches.get(environ["PATH_INFO"])
        if match is None or not _is_plain(environ):
            return None
        request = self._request_class(environ)
        try:
            if self._security.process_request(request) or self._common.process_request(request):
                return None  # a redirect to https
        except (SuspiciousOperation, PermissionDenied):  # a wrong Host
            return None
        set_script_prefix(environ["SCRIPT_NAME"])
        request.resolver_match = match
        response = self._answer(request)
        if response.status_code >= 400:
            log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request)
        body = Body([b"" if response.status_code == 304 else response.content])
        headers = [*_pairs(response), ("Content-Length", str(len(body[0])))]
        present = response.headers._store  # noqa: SLF001 (as in `_pairs`)
        headers += [(name, value) for key, name, value in self._added[str(request.scheme)] if key not in present]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return body

    def _headers(self, scheme: str) -> list[tuple[str, str, str]]:
        """Return the headers that the middleware in HEADERS adds to every answer.

        `scheme` is "http" or "https". Each item has the name in lower case, the name, and the value.
        """
        # Made once, because they depend only on the settings and the scheme.
        environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": BytesIO()}
        request, response = self._request_class(environ), HttpResponse()
        del response.headers["Content-Type"]
        response = XFrameOptionsMiddleware(_unused).process_response(request, response)
        added = self._security.process_response(request, response).items()
        return [(name.lower(), name, value) for name, value in added]


def _pairs(response: HttpResponse) -> Iterable[tuple[str, str]]:
    """Return the names and values of the response's headers."""
    # The public iterator makes four Python calls for each header, a tenth of the calls for a request of the JWKS.
    return response.headers._store.values()  # noqa: SLF001


def _is_plain(environ: Mapping[str, Any]) -> bool:
    """Return True unless the client accepts HTML or the Origin is "null".

    A client that accepts HTML can be a browser that expects a page. A request with the Origin "null" can come from a
    page of the issuer.
    """
    return "text/html" not in environ.get("HTTP_ACCEPT", "") and environ.get("HTTP_ORIGIN") != "null"


def _table(mount: str) -> Iterable[tuple[str, ResolverMatch]]:
    """Yield each path in PATHS with its view, and again with `mount` before the path.

    `mount` is the path of the issuer's URL, or "". Yields nothing if this process is not an issuer, or if a middleware
    in the settings is unknown to this module.
    """
    supported = {*SHARED, *PAGES, *HEADERS, DATABASE_AWAY}
    if not apps.is_installed("tokens") or not supported.issuperset(conf.middleware()):
        return
    for path in PATHS:
        match = resolve(path)
        yield path, match
        yield mount + path, match


def _chain(names: Sequence[str]) -> Answer:
    """Return a function that passes a request through the middleware in SHARED to the view of the request.

    `names` is the setting MIDDLEWARE, which defines the order. Middleware outside of SHARED is left out.
    """
    answer: Any = convert_exception_to_response(_called(import_string(DATABASE_AWAY)(_unused)))
    for name in reversed(names):
        if name in SHARED:
            with suppress(MiddlewareNotUsed):
                answer = import_string(name)(answer)
    return cast("Answer", convert_exception_to_response(answer))


def _called(away: Any) -> Answer:
    """Return a function that calls the view of a request.

    `away` is the middleware that DATABASE_AWAY names. If the view fails because of an outage of the database, the
    function returns the 503 of `away`. It raises any other error of the view again.
    """

    def called(request: HttpRequest) -> HttpResponse:
        match = cast("ResolverMatch", request.resolver_match)
        try:
            return cast("HttpResponse", match.func(request, *match.args, **match.kwargs))
        except Exception as error:
            answer: HttpResponse | None = away.process_exception(request, error)
            if answer is None:
                raise
            return answer

    return called


def _unused(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError
