"""Tests of the direct path (project.direct), on which requests of programs skip the middleware for HTML pages.

The responses are the same as those of Django's handler.
"""

import logging
import re
from functools import partial
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError
from django.test import RequestFactory, override_settings
from django.utils import translation

from project import direct
from project.settings import issuer, standalone
from project.wsgi import Handler
from tests.tokens.factories import basic, make_api, make_client, operation, with_secret
from tokens.keys import rotation

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]

FORM = "application/x-www-form-urlencoded"
VARIES = re.compile(rb'"(access_token|jti|exp|iat)": ?("[^"]*"|\d+)|[0-9a-f]{24}')
"""What differs between two answers to one request."""
APP_ORIGIN = "https://app.example"

GETS = {
    "JWKS": ("/.well-known/jwks.json", {}),
    "JWKS, read": ("/.well-known/jwks.json", {"HTTP_IF_NONE_MATCH": "*"}),
    "metadata": ("/.well-known/openid-configuration", {}),
    "metadata, read": ("/.well-known/oauth-authorization-server", {"HTTP_IF_NONE_MATCH": "*"}),
    "feed": ("/oauth/revocations", {}),
    "feed, malformed version": ("/oauth/revocations", {"QUERY_STRING": "since=x"}),
    "feed, read": ("/oauth/revocations", {"HTTP_IF_NONE_MATCH": "*"}),
    "token": ("/oauth/token", {}),
    "over https": ("/.well-known/jwks.json", {"wsgi.url_scheme": "https"}),
    "by a page": ("/.well-known/jwks.json", {"HTTP_ORIGIN": APP_ORIGIN}),
    "with an id": ("/oauth/token", {"HTTP_X_REQUEST_ID": "0123456789abcdef"}),
    "with a denied name": ("/oauth/token", {"HTTP_USER_AGENT": "curl"}),
}
POSTS = {
    "no client": ({"grant_type": "client_credentials"}, {}),
    "no grant type": ({}, {}),
    "a parameter twice": ({"grant_type": ["client_credentials", "x"]}, {}),
    "an upload": ({}, {"CONTENT_TYPE": "multipart/form-data; boundary=x"}),
    "another charset": ({}, {"CONTENT_TYPE": f"{FORM}; charset=utf-7"}),
    "too large": ({"a": "b" * 20_000}, {}),
    "no number": ({"a": "b"}, {"CONTENT_LENGTH": "x"}),
    "in the address": ({"grant_type": "client_credentials"}, {"QUERY_STRING": "scope=a"}),
    "many parameters": ({"a": ["b"] * 1001}, {}),
    "a registered page": ({"grant_type": "client_credentials"}, {"HTTP_ORIGIN": APP_ORIGIN}),
    "an unknown page": ({"grant_type": "client_credentials"}, {"HTTP_ORIGIN": "https://unknown.example"}),
    "malformed header": ({"grant_type": "client_credentials"}, {"HTTP_AUTHORIZATION": "Basic %"}),
}
UNUSUAL = {
    "a browser": {"HTTP_ACCEPT": "text/html,*/*"},
    "a page without origin": {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"},
    "a wrong host": {"HTTP_HOST": "evil.example"},
    "a malformed host": {"HTTP_HOST": "a b"},
}


@pytest.fixture
def service(db):
    rotation.rotate(operation())
    make_api("https://api.example/", "notes:read", "notes:write")
    return with_secret(make_client("service", "client_credentials", allowed_origins=APP_ORIGIN))


def environ(method, path, form=None, **extra):
    body = urlencode(form or {}, doseq=True).encode()
    made = RequestFactory().generic(method, path, body, FORM, headers={"Host": "localhost"}).environ
    return made | extra


def answers(make):
    """Return two answers to the request that `make` returns: that of the direct path, and that of Django's handler.

    Each answer is status, headers and body, or None if the direct path does not serve the request.
    """
    handler = Handler()
    return [answer(handler._direct.answer, make()), answer(partial(WSGIHandler.__call__, handler), make())]


def answer(application, environ):
    started = []
    body = application(environ, lambda *given: started.append(given))
    if body is None:
        return None
    content = b"".join(body)
    body.close()
    ((status, headers),) = started
    named = dict(headers)
    assert len(named) == len(headers)
    if len(named.get("X-Request-ID", "")) > 16:  # the request's own has 16 characters
        named["X-Request-ID"] = "made"
    return status, named, VARIES.sub(b"", content)


def same(make):
    """Send a request on the direct path (project.direct) and through Django's handler. Return the answer.

    `make` returns the request. Fails if the two answers differ.
    """
    of_direct, of_django = answers(make)
    assert of_direct == of_django
    return of_direct


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "POST"])
@pytest.mark.parametrize("name", GETS)
def test_a_request_without_a_form_gets_the_same_answer(service, method, name):
    path, extra = GETS[name]
    with override_settings(SECURE_HSTS_SECONDS=60, SECURE_HSTS_PRELOAD=True):
        status, headers, _ = same(lambda: environ(method, path, **extra))
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ("Strict-Transport-Security" in headers) is (name == "over https")
    assert status[0] in "245" or status.startswith("304")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
@pytest.mark.parametrize("name", POSTS)
def test_a_refused_form_gets_the_same_answer(service, name, path):
    form, extra = POSTS[name]
    status, headers, _ = same(lambda: environ("POST", path, form, **extra))
    assert status[0] == "4"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_a_token_request_gets_the_same_answer(service, secret):
    header = {"HTTP_AUTHORIZATION": basic("service", secret or service.plain)["HTTP_AUTHORIZATION"]}
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    status, headers, _ = same(lambda: environ("POST", "/oauth/token", form, **header))
    assert status == ("401 Unauthorized" if secret else "200 OK")
    assert headers["Cache-Control"] == "no-store"


def test_a_cookie_is_not_read(service):
    """The direct path (project.direct) ignores cookies: the answer to a request with a cookie is the same as without.

    Django's handler would delete the cookie of a session that does not exist, and add `Vary: Cookie`.
    """
    make = partial(environ, "GET", "/.well-known/jwks.json")
    assert answer(Handler()._direct.answer, make(HTTP_COOKIE="issuer_session=x; issuer_csrf=y")) == same(make)


def test_a_preflight_of_a_registered_page_gets_the_same_answer(service):
    preflight = {"HTTP_ORIGIN": APP_ORIGIN, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    _, headers, _ = same(lambda: environ("OPTIONS", "/oauth/token", **preflight))
    assert headers["Access-Control-Allow-Origin"] == APP_ORIGIN


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_request_is_left_to_django_s_handler(service, name):
    of_direct, of_django = answers(lambda: environ("POST", "/oauth/token", {"a": "b"}, **UNUSUAL[name]))
    assert of_direct is None
    assert of_django[0][0] == "4"


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_request_without_tls_is_left_to_it(service):
    of_direct, of_django = answers(lambda: environ("POST", "/oauth/token", {"a": "b"}))
    assert (of_direct, of_django[0]) == (None, "301 Moved Permanently")
    assert answers(lambda: environ("POST", "/oauth/token", {"a": "b"}, **{"wsgi.url_scheme": "https"}))[0] is not None


@pytest.mark.parametrize("path", ["/oauth/token/", "/oauth//token", "/oauth/authorize", "/", "/accounts/", "/admin/"])
def test_every_other_path_is_left_to_it(service, path):
    assert Handler()._direct.answer(environ("GET", path), None) is None


def test_a_middleware_that_is_unknown_here_leaves_every_request_to_it(service, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    with translation.override("en-us"):  # Django's middleware activates a language, and leaves it
        assert answers(lambda: environ("GET", "/.well-known/jwks.json"))[0] is None


@pytest.mark.parametrize("path", ["/auth/oauth/token", "/oauth/token"])
def test_the_path_of_the_issuer_s_url_may_be_there_or_not(service, settings, path):
    settings.FORCE_SCRIPT_NAME = "/auth"
    assert same(lambda: environ("POST", path, {"grant_type": "client_credentials"}))[0] == "401 Unauthorized"
    settings.FORCE_SCRIPT_NAME = None
    assert answers(lambda: environ("POST", "/auth/oauth/token", {"a": "b"}))[0] is None


@pytest.mark.parametrize("error", [OperationalError("gone"), RuntimeError("broken")], ids=["outage", "fault"])
@pytest.mark.parametrize("path", ["/oauth/token", "/.well-known/jwks.json"])
def test_a_failure_gets_the_same_answer_and_log(service, caplog, path, error):
    wrapped = {
        "/oauth/token": "tokens.views.endpoint.authentication.read",
        "/.well-known/jwks.json": "tokens.views.jwks.refresher.is_unknown",
    }
    method = "POST" if path == "/oauth/token" else "GET"
    with patch(wrapped[path], side_effect=error), caplog.at_level(logging.WARNING):
        status, *_ = same(lambda: environ(method, path, {"a": "b"} if method == "POST" else None))
    assert status[:3] == ("503" if isinstance(error, OperationalError) else "500")
    lines = [(record.name, record.getMessage()) for record in caplog.records if record.name == "django.request"]
    assert len(lines) % 2 == 0
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :] != []


def test_the_access_log_has_a_line_with_the_endpoint(service, settings, caplog):
    settings.ACCESS_LOG = True
    with caplog.at_level(logging.INFO, "project.access"):
        same(lambda: environ("POST", "/oauth/token", {"a": "b"}))
    first, second = (
        {**record.fields, "milliseconds": 0} for record in caplog.records if record.name == "project.access"
    )
    assert first == second == {"method": "POST", "endpoint": "token", "status": 400, "milliseconds": 0}


def test_each_view_reads_no_cookie_and_judges_its_body():
    """Each view of the direct path (project.direct) is exempt from CSRF checks, and refuses unreadable forms itself.

    The direct path skips the middleware that checks for CSRF, and the middleware that refuses unreadable forms.
    """
    matches = Handler()._direct._matches
    assert set(matches) == set(direct.PATHS)
    for match in matches.values():
        assert match.func.csrf_exempt
        assert match.func.judges_its_body


@pytest.mark.parametrize("process", [issuer, standalone], ids=["issuer", "standalone"])
def test_each_middleware_of_the_issuer_is_known(process):
    """The direct path (project.direct) knows each middleware in the settings of the process.

    If there were an unknown middleware, all requests would go to Django's handler. The test reads the settings of the
    real process, because the settings of the tests lack one middleware.
    """
    assert set(process.MIDDLEWARE) <= {*direct.SHARED, *direct.PAGES, *direct.HEADERS, direct.DATABASE_AWAY}
