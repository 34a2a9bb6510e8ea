"""Unreadable request bodies.

An endpoint for programs answers them with an error in JSON. An address of an HTML page answers them with an error page.
"""

from io import BytesIO

import pytest
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory
from django.test.client import MULTIPART_CONTENT

from tests.tokens.factories import basic, log_in, make_client
from tests.tokens.pages import assert_page
from tokens import parameters
from tokens.views.bodies import form_only

pytestmark = pytest.mark.urls("project.urls.issuer")
ENDPOINTS = ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/device", "/oauth/par"]
ADMIN = "/admin/login/"
OWN_PAGES = [
    "/accounts/login/",
    "/accounts/logout/",
    "/oauth/authorize",
    "/oauth/logout",
    "/oauth/device/verify",
]
PAGES = [ADMIN, *OWN_PAGES]
EVERYWHERE = "/accounts/everywhere/"  # a form of which only the CSRF token is read
FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data"
LARGE = 20 * 1024 * 1024


class Unread(BytesIO):
    """A request body that fails the test if it is read."""

    def read(self, *_):
        raise AssertionError("the body was read")

    readline = read


def send(browser, path, content_type, body=b"a=b", **extra):
    return browser.generic("POST", path, body, content_type=content_type, **extra)


def assert_refused(answer, status):
    """Assert that the answer is an error as in RFC 6749 section 5.2, and that no cache may store it."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == "invalid_request"


@pytest.fixture(params=[False, True], ids=["", "debug"])
def debug(request, settings):
    settings.DEBUG = request.param


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("status", "content_type", "body", "extra"),
    [
        pytest.param(415, "application/json", b"{}", {}, id="RFC 6749 3.2: JSON"),
        pytest.param(415, "", b"a=b", {}, id="no type"),
        pytest.param(415, UPLOAD, b"a=b", {}, id="an upload without boundary"),
        pytest.param(415, f"{UPLOAD}; boundary=x", b"--x--", {}, id="an upload"),
        pytest.param(415, f"{FORM}; charset=utf-16", b"a=b", {}, id="RFC 6749 B: utf-16"),
        pytest.param(415, f"{FORM}; charset=iso-8859-1", b"a=b", {}, id="RFC 6749 B: latin-1"),
        pytest.param(415, f"{FORM}; charset=base64", b"a=b", {}, id="no charset at all"),
        pytest.param(415, f"{FORM}; charset=", b"a=b", {}, id="an empty charset"),
        pytest.param(400, FORM, b"a=%ff", {}, id="RFC 6749 B: no UTF-8"),
        pytest.param(400, FORM, b"\xff=a", {}, id="RFC 6749 B: bytes that are no UTF-8"),
        pytest.param(413, FORM, b"a=" + b"x" * (16 * 1024 - 1), {}, id="RFC 9110 15.5.14: too long"),
        pytest.param(413, FORM, b"a=b&" * 1001, {}, id="too many fields"),
        pytest.param(411, FORM, b"a=b", {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, id="chunked"),
        pytest.param(400, FORM, b"a=b", {"CONTENT_LENGTH": "-1"}, id="a negative length"),
        pytest.param(400, FORM, b"a=b", {"CONTENT_LENGTH": "²"}, id="a length that is no number"),
        pytest.param(413, FORM, b"a=b", {"CONTENT_LENGTH": "9" * 5000}, id="a length beyond all numbers"),
    ],
)
def test_an_endpoint_refuses_an_unreadable_body_in_json(client, debug, path, status, content_type, body, extra):
    assert_refused(send(client, path, content_type, body, **extra), status)


@pytest.mark.django_db
def test_an_endpoint_counts_no_fields_if_django_has_no_bound_of_them(client, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = None
    assert send(client, "/oauth/token", FORM, b"a=b&" * 1001).status_code == 400


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("content_type", [FORM, f"{UPLOAD}; boundary=x", "text/plain"])
def test_no_endpoint_reads_a_large_body_before_it_refuses_it(client, path, content_type):
    answer = send(client, path, content_type, **{"CONTENT_LENGTH": str(LARGE), "wsgi.input": Unread()})
    assert_refused(answer, 413 if content_type == FORM else 415)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(("error", "status"), [(RequestDataTooBig(), 413), (UnreadablePostError(), 400)])
def test_each_error_of_a_body_is_a_refusal(client, monkeypatch, path, error, status):
    def fail(_):
        raise error

    monkeypatch.setattr(WSGIRequest, "body", property(fail))
    assert_refused(send(client, path, FORM), status)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RequestDataTooBig(), 413),
        (TooManyFieldsSent(), 413),
        (MultiPartParserError(), 400),
        (BadRequest(), 400),
        (SuspiciousOperation(), 400),
        (UnreadablePostError(), 400),
        (UnicodeDecodeError("utf-8", b"", 0, 1, ""), 400),
    ],
)
def test_each_error_of_django_s_parsers_is_a_refusal(client, monkeypatch, error, status):
    def fail(_):
        raise error

    monkeypatch.setattr(WSGIRequest, "_get_post", fail)
    monkeypatch.setattr(WSGIRequest, "POST", property(fail))
    answer = send(client, "/oauth/userinfo", FORM)
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        (b"a=%C3%A9&%C3%A9=+%2B", [("a", "\u00e9"), ("\u00e9", " +")]),
        ("a=\u00e9".encode(), [("a", "\u00e9")]),
        (b"a&b=&=c&&d=e=f;g=h", [("a", ""), ("b", ""), ("", "c"), ("d", "e=f;g=h")]),
        (b"a=%zz&b=%", [("a", "%zz"), ("b", "%")]),
        (b"", []),
        (b"a=b&" * 999 + b"a=b", [("a", "b")] * 1000),
    ],
)
def test_a_form_is_parsed_as_django_parses_it(body, pairs):
    request = RequestFactory().generic("POST", "/oauth/token", body, FORM)
    form_only("token.refused")(lambda request: None)(request)
    assert parameters.sent(request) == pairs
    assert dict(QueryDict(body).lists()) == {name: [v for n, v in pairs if n == name] for name, _ in pairs}


@pytest.mark.parametrize("body", [b"a=%FF", b"%FF=a", b"a=\xff", b"a=\xc3%A9", b"a=%C3\xa9", b"a=%ED%A0%80"])
def test_a_form_that_is_no_utf_8_is_refused(client, body):
    assert_refused(send(client, "/oauth/token", FORM, body), 400)


def test_a_client_that_hangs_up_is_refused(client):
    class Gone(BytesIO):
        def read(self, *_):
            raise OSError

    assert_refused(send(client, "/oauth/token", FORM, **{"wsgi.input": Gone()}), 400)


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=UTF-8", f'{FORM};charset="utf-8"'])
def test_a_charset_of_utf_8_is_accepted(client, service, signer, content_type):
    form = b"grant_type=client_credentials&scope=notes%3Aread"
    assert send(client, "/oauth/token", content_type, form, **basic("service", service.plain)).status_code == 200


def test_a_page_of_another_origin_reads_why_its_body_was_refused(client, apis):
    make_client("page", "authorization_code", public=True, allowed_origins="https://app.example")
    answer = send(client, "/oauth/token", "application/json", HTTP_ORIGIN="https://app.example")
    assert_refused(answer, 415)
    assert answer["Access-Control-Allow-Origin"] == "https://app.example"


@pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_another_method_is_refused_in_json(client, path, method):
    answer = getattr(client, method)(path)
    assert_refused(answer, 405)
    assert answer["Allow"] == "POST"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("status", "content_type", "extra"),
    [
        pytest.param(415, f"{FORM}; charset=utf-16", {}, id="utf-16"),
        pytest.param(415, f"{UPLOAD}; boundary=x; charset=base64", {}, id="no charset at all"),
        pytest.param(415, "application/json", {}, id="JSON"),
        pytest.param(415, "text/plain", {}, id="a form as text"),
        pytest.param(415, "application/octet-stream", {}, id="bytes"),
        pytest.param(415, "", {}, id="no type"),
        pytest.param(415, "text/plain", {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, id="chunked"),
        pytest.param(415, "application/json", {"CONTENT_LENGTH": str(LARGE), "wsgi.input": Unread()}, id="large JSON"),
        pytest.param(413, FORM, {"CONTENT_LENGTH": str(LARGE), "wsgi.input": Unread()}, id="a large form"),
        pytest.param(400, FORM, {"CONTENT_LENGTH": "x"}, id="a length that is no number"),
        pytest.param(411, FORM, {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, id="a chunked form"),
    ],
)
def test_a_page_refuses_an_unreadable_body_with_a_page(client, debug, user, path, status, content_type, extra):
    log_in(client, user)
    assert_page(send(client, path, content_type, **extra), status)


UPLOADS = [
    pytest.param(400, UPLOAD, {}, id="without boundary"),
    pytest.param(400, f"{UPLOAD}; boundary={'x' * 300}", {}, id="a boundary too long"),
    pytest.param(400, f"{UPLOAD}; boundary=é", {}, id="a boundary that is none"),
    pytest.param(413, f"{UPLOAD}; boundary=x", {"CONTENT_LENGTH": str(LARGE), "wsgi.input": Unread()}, id="large"),
]


@pytest.mark.parametrize(("status", "content_type", "extra"), UPLOADS)
def test_the_admin_refuses_an_unreadable_upload_with_a_page(client, debug, status, content_type, extra):
    assert_page(send(client, ADMIN, content_type, **extra), status)


def test_the_admin_accepts_uploads(client, user):
    answer = client.post(ADMIN, {"username": "ada", "password": "wrong"}, content_type=MULTIPART_CONTENT)
    assert (answer.status_code, answer.context["form"]["username"].value()) == (200, "ada")


@pytest.mark.parametrize("path", [*OWN_PAGES, EVERYWHERE])
@pytest.mark.parametrize(("content_type", "extra"), [(row.values[1], row.values[2]) for row in UPLOADS])
def test_no_other_page_accepts_an_upload(client, user, path, content_type, extra):
    log_in(client, user)
    assert_page(send(client, path, content_type, **extra), 415)


@pytest.mark.parametrize("content_type", ["", "application/json", f"{UPLOAD}; boundary=x"])
def test_the_type_of_an_absent_body_does_not_matter(client, user, content_type):
    log_in(client, user)
    assert send(client, "/oauth/logout", content_type, b"").status_code == 303


@pytest.mark.urls("project.urls.standalone")
def test_views_of_an_api_in_the_issuer_s_process_read_other_bodies(client):
    answer = send(client, "/api/notes/", "application/json", b"{}")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_refuses_too_many_fields_with_a_page(client, user, path):
    log_in(client, user)
    assert_page(send(client, path, FORM, b"a=b&" * 1001), 413)


@pytest.mark.parametrize("path", [*PAGES, "/admin/"])
def test_a_page_refuses_an_address_of_too_many_parameters_without_a_traceback_in_the_log(client, path, caplog):
    assert_page(client.get(f"{path}?{'a=b&' * 1001}"), 400)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.django_db
def test_a_document_that_reads_no_parameters_is_served_with_any_number_of_them(client):
    assert client.get(f"/.well-known/openid-configuration?{'a=b&' * 1001}").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_endpoint_refuses_an_address_of_too_many_parameters_in_json(client, path):
    assert_refused(send(client, f"{path}?{'a=b&' * 1001}", FORM), 400)


def test_a_form_may_have_16_kb_and_a_form_of_the_admin_64(client, user, service, signer):
    form = b"grant_type=client_credentials&scope=notes%3Aread&x="
    whole = form + b"x" * (16 * 1024 - len(form))
    assert send(client, "/oauth/token", FORM, whole, **basic("service", service.plain)).status_code == 200
    assert_refused(send(client, "/oauth/token", FORM, whole + b"x", **basic("service", service.plain)), 413)
    for path in OWN_PAGES:
        assert_page(send(client, path, FORM, b"a=" + b"x" * 16 * 1024), 413)
    assert send(client, ADMIN, FORM, b"a=" + b"x" * 60_000).status_code == 200
    assert_page(send(client, ADMIN, FORM, b"a=" + b"x" * 64 * 1024), 413)


@pytest.mark.django_db
def test_userinfo_refuses_an_address_of_too_many_parameters_and_ignores_the_body_of_a_get(client):
    assert client.get(f"/oauth/userinfo?{'a=b&' * 1001}").status_code == 400
    assert send(client, "/oauth/userinfo", "application/json", b"{}").status_code == 415
    assert client.generic("GET", "/oauth/userinfo", b"{}", content_type="application/json").status_code == 401
