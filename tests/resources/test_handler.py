"""Errors that Django would answer with an HTML page are answered with JSON by the API."""

import pytest
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.test import Client, RequestFactory
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from resources.handler import exception_handler
from resources.testing import pinned


class Form(APIView):
    """A view that also parses forms, as views of other projects can."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (FormParser, MultiPartParser)

    def post(self, request: Request) -> Response:
        return Response(list(request.data))


@pytest.mark.parametrize(
    "error",
    [BadRequest, DisallowedHost, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent, MultiPartParserError,
     UnreadablePostError],
)  # fmt: skip
def test_an_unreadable_request_is_a_bad_request_that_repeats_nothing_of_it(error: type[Exception]) -> None:
    response = exception_handler(error("secret"), {})
    assert response is not None
    assert (response.status_code, response.data) == (400, {"detail": "The request cannot be read"})


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer a.b.c"}], ids=["no token", "a token"])
def test_a_query_with_too_many_parameters_is_a_bad_request(
    client: Client, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with pinned():
        answer = client.get(f"/api/notes/?{'a=b&' * 1001}", headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"detail": "The request cannot be read"})
    assert not [record for record in caplog.records if record.exc_info]


def test_a_body_that_is_too_long_gets_413() -> None:
    response = exception_handler(RequestDataTooBig("secret"), {})
    assert response is not None
    assert (response.status_code, response.data) == (413, {"detail": "The body is too long"})


def test_a_bug_stays_an_exception() -> None:
    assert exception_handler(ZeroDivisionError(), {}) is None


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n",
            200,
        ),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=\xff", b"x", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=" % number for number in range(1001)), 400),
        ("application/x-www-form-urlencoded", b"x" * (64 * 1024 + 1), 413),
    ],
)
def test_an_unreadable_form_gets_json_and_no_html_page(content_type: str, body: bytes, status: int) -> None:
    response = Form.as_view()(RequestFactory().post("/", body, content_type=content_type))
    assert response.status_code == status, response.data
    assert status == 200 or list(response.data) == ["detail"]
