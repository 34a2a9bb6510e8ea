"""The WSGI applications refuse a request if the WSGI server can have lost a part of it.

For example, they refuse a body of unknown length. This does not depend on which WSGI server is used.
"""

import json
from importlib import import_module

import pytest
from django.test import RequestFactory, override_settings

CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
PROXIED = override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
ENTRIES = [("project.wsgi", "/oauth/token"), ("project.wsgi", "/accounts/login/"), ("resources.wsgi", "/api/notes/1/")]


def call(entry: str, method: str, path: str, **extra: object) -> tuple[int, dict[str, str]]:
    environ = RequestFactory().generic(method, path, b"a=b").environ | extra
    said = []
    body = import_module(entry).application(environ, lambda status, _headers: said.append(int(status.split(" ")[0])))
    content = b"".join(body)
    return said[0], json.loads(content) if said[0] in {400, 411} and content.startswith(b"{") else {}


@pytest.mark.parametrize("terminated", [True, False], ids=["input_terminated", ""])
@pytest.mark.parametrize(("entry", "path"), ENTRIES)
@pytest.mark.parametrize(
    "lost", [CHUNKED, {"SERVER_PROTOCOL": "HTTP/2", "CONTENT_LENGTH": ""}], ids=["chunked", "HTTP/2"]
)
def test_a_body_of_unknown_length_is_refused_and_not_taken_for_an_empty_one(entry, path, lost, terminated):
    status, answer = call(entry, "PATCH", path, **lost, **({"wsgi.input_terminated": True} if terminated else {}))
    assert status == 411
    assert "Content-Length" in json.dumps(answer)


@pytest.mark.django_db
@pytest.mark.parametrize(("entry", "path"), ENTRIES)
@pytest.mark.parametrize("extra", [{}, {"SERVER_PROTOCOL": "HTTP/2"}, {"HTTP_TRANSFER_ENCODING": "chunked"}])
def test_a_body_of_known_length_is_not(entry, path, extra):
    assert call(entry, "POST", path, **extra)[0] != 411


@pytest.mark.django_db
@pytest.mark.parametrize(("entry", "path"), ENTRIES)
def test_a_request_without_a_body_needs_no_length_over_http_2(entry, path):
    assert call(entry, "GET", path, SERVER_PROTOCOL="HTTP/2", CONTENT_LENGTH="")[0] != 411


@pytest.mark.django_db
@pytest.mark.parametrize(("entry", "path"), ENTRIES)
def test_two_schemes_are_refused_behind_a_proxy_only(entry, path):
    for value, refused in (("https,http", True), ("https, http", True), ("https", False)):
        with PROXIED:
            status, answer = call(entry, "GET", path, HTTP_X_FORWARDED_PROTO=value)
        assert (status == 400 and "proxy must replace" in json.dumps(answer)) is refused
    _, answer = call(entry, "GET", path, HTTP_X_FORWARDED_PROTO="https,http")
    assert "proxy must replace" not in json.dumps(answer)
