"""The WSGI application of the issuer, called as a WSGI server calls it."""

import pytest
from django.test import RequestFactory

from project.wsgi import application

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]


def call(method: str, address: str, **extra: str) -> tuple[int, bytes]:
    """Call the WSGI application, and return the status and the body of its response."""
    environ = RequestFactory().generic(method, "/").environ | extra
    environ["PATH_INFO"], _, environ["QUERY_STRING"] = address.partition("?")
    said = []
    body = application(environ, lambda status, _headers: said.append(int(status.partition(" ")[0])))
    return said[0], b"".join(body)


@pytest.mark.parametrize("charset", ["base64", "rot13", "utf-16", "latin-1", "", "\u00e9"])
@pytest.mark.parametrize(
    ("method", "query", "refused"),
    [("GET", "a=b", 400), ("GET", "a=b&" * 1001, 400), ("POST", "a=b", 403)],
    ids=["read", "too many parameters", "forged"],
)
def test_no_charset_breaks_the_reading_of_an_address(method, query, refused, charset):
    status, _ = call(method, f"/oauth/authorize?{query}", CONTENT_TYPE=f"text/plain; charset={charset}")
    assert status == refused


@pytest.mark.parametrize("parameter", ["x*=nope''x%41", "a*=idna''%ff", "charset*=nope''x%41", "charset*=utf-8''a%00b"])
def test_a_parameter_in_an_encoding_that_there_is_not_breaks_nothing(parameter):
    """An unknown encoding in a parameter of the Content-Type header (RFC 2231) causes no error 500."""
    for content_type in ("a/b", "application/x-www-form-urlencoded"):
        status, _ = call("GET", "/.well-known/openid-configuration", CONTENT_TYPE=f"{content_type}; {parameter}")
        assert status == 200
        status, body = call("POST", "/oauth/token", CONTENT_TYPE=f"{content_type}; {parameter}")
        assert (status, b'"invalid_request"' in body) == (415, True)


def test_an_address_is_read_as_utf_8_for_any_charset_of_the_body():
    _, page = call("GET", "/accounts/login/?login_hint=%C3%A9", CONTENT_TYPE="text/plain; charset=latin-1")
    assert 'value="\u00e9"' in page.decode()
