"""The requests that the front sends on to the WSGI application.

The application gets each header in one spelling, and each body complete and with its length.
"""

import asyncio
import json

import pytest

from project.front import application
from tests.project.front.asgi import fetch, front, scope
from tokens.grants.request import RECEIVED


def echo(environ, start):
    """Answer with a JSON object: the text values of the WSGI environ, and the body of the request."""
    echoed = {name: value for name, value in environ.items() if isinstance(value, str)}
    body = json.dumps(echoed | {"body": environ["wsgi.input"].read().decode()}).encode()
    start("200 OK", [("Content-Type", "application/json")])
    return [body]


def echoed(path="/", **request):
    answer = fetch(front(echo), path, **request)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("A_SECRET", "of the process")


def test_the_application_sees_the_request_and_nothing_of_the_process_s_environment():
    environ = echoed("/a%20b/%C3%A9?c=d%20e", headers=[("Host", "issuer.example"), ("Accept-Language", "de")])
    assert environ == {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b/\u00c3\u00a9",
        "QUERY_STRING": "c=d%20e",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "192.0.2.1",
        "REMOTE_PORT": "4711",
        "HTTP_HOST": "issuer.example",
        "HTTP_ACCEPT_LANGUAGE": "de",
        "wsgi.url_scheme": "http",
        "body": "",
    }


def test_lines_of_one_name_are_joined_and_cookies_by_their_own_sign():
    lines = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "192.0.2.7"), ("Cookie", "a=b"), ("Cookie", "c=d")]
    environ = echoed(headers=lines)
    assert (environ["HTTP_X_FORWARDED_FOR"], environ["HTTP_COOKIE"]) == ("203.0.113.9,192.0.2.7", "a=b; c=d")


@pytest.mark.parametrize("name", ["X_Request_Id", "x-request_id", "Content_Length", "Content_Type", "Authorization_"])
def test_a_name_with_an_underscore_does_not_reach_the_application(name):
    environ = echoed(headers=[(name, "17"), ("X-Request-Id", "true")])
    assert "17" not in environ.values()
    assert environ["HTTP_X_REQUEST_ID"] == "true"


@pytest.mark.parametrize(
    "name",
    [
        "X_Forwarded_For",
        "X-Forwarded_For",
        "x_forwarded-for",
        "X_Forwarded_Proto",
        "X-Forwarded_Proto",
        "X_FORWARDED_HOST",
        "X_Real_IP",
    ],
)
def test_a_spelling_that_imitates_the_proxy_is_refused(name):
    answer = fetch(front(echo), headers=[(name, "192.0.2.1"), ("X-Forwarded-For", "203.0.113.9")])
    assert answer.status == 400
    assert "docs/proxies.md" in json.loads(answer.body)["detail"]


@pytest.mark.parametrize("lines", [["https", "http"], ["https,http"], ["https, http"]])
def test_a_scheme_that_was_added_to_the_visitor_s_is_refused(lines):
    headers = [("X-Forwarded-Proto", value) for value in lines]
    assert fetch(front(echo), headers=headers).status == 400
    assert fetch(front(echo, behind_proxy=False), headers=headers).status == 200


def test_a_body_is_read_whole_and_has_a_length_whether_it_was_announced_or_not():
    announced = echoed(method="POST", headers=[("Content-Length", "4")], body=[b"a=", b"bc"])
    chunked = echoed(method="PATCH", headers=[("Transfer-Encoding", "chunked")], body=[b"a=", b"bc"])
    assert (announced["body"], announced["CONTENT_LENGTH"]) == ("a=bc", "4")
    assert (chunked["body"], chunked["CONTENT_LENGTH"]) == ("a=bc", "4")
    assert "HTTP_TRANSFER_ENCODING" not in chunked
    assert "CONTENT_LENGTH" not in echoed(method="POST")
    assert echoed(method="POST", headers=[("Content-Length", "0")])["CONTENT_LENGTH"] == "0"


@pytest.mark.parametrize(
    ("status", "headers", "parts", "ends"),
    [
        pytest.param(200, [("Content-Length", "100")], [b"x" * 100], True, id="as much as may be"),
        pytest.param(413, [("Content-Length", "101")], [], False, id="announced too large, before it is read"),
        pytest.param(413, [("Content-Length", "9" * 18)], [], False, id="announced far too large"),
        pytest.param(200, [("Transfer-Encoding", "chunked")], [b"x" * 50] * 2, True, id="chunked, as much as may be"),
        pytest.param(413, [("Transfer-Encoding", "chunked")], [b"x" * 60] * 2, False, id="chunked, too large"),
        pytest.param(408, [("Content-Length", "10")], [b"half"], False, id="half sent"),
        pytest.param(408, [("Transfer-Encoding", "chunked")], [b"half"], False, id="chunked, half sent"),
        pytest.param(400, [("Content-Length", "10")], [b"cut off"], True, id="ended early"),
        pytest.param(400, [("Content-Length", "-1")], [], True, id="a negative length"),
        pytest.param(400, [("Content-Length", "\u00b2")], [], True, id="no number"),
        pytest.param(400, [("Content-Length", "9" * 5000)], [], True, id="beyond all numbers"),
    ],
)
def test_a_body_has_a_bound_and_a_deadline(status, headers, parts, ends):
    answer = fetch(front(echo), "/oauth/token", method="POST", headers=headers, body=parts, ends=ends)
    assert answer.status == status
    if status != 200:
        assert json.loads(answer.body).keys() == {"error", "error_description"}
        assert (answer["Connection"], answer["Cache-Control"]) == ("close", "no-store")


def test_a_client_that_is_gone_starts_nothing():
    called = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        called.append(message["type"])

    server = front(lambda *_: called.append("the application"))
    asyncio.run(server(scope("/", "POST", [("Transfer-Encoding", "chunked")]), receive, send))
    assert called == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize(
    ("path", "accept", "kind", "name"),
    [
        ("/oauth/token", "*/*", "application/json", "error_description"),
        ("/api/notes/", "application/json", "application/json", "detail"),
        ("/.well-known/jwks.json", "text/html", "application/json", "detail"),
        ("/oauth/authorize", "text/html,*/*", "text/html; charset=utf-8", ""),
    ],
)
def test_a_refusal_has_the_form_that_was_asked_for(path, accept, kind, name):
    answer = fetch(front(echo), path, method="POST", headers=[("Content-Length", "101"), ("Accept", accept)])
    assert (answer.status, answer["Content-Type"]) == (413, kind)
    assert name.encode() in answer.body
    assert ("access-control-allow-origin", "*") in answer.headers or not path.startswith("/.well-known/")


def test_a_websocket_is_not_accepted():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(front(echo)({"type": "websocket", "path": "/", "headers": []}, None, send))
    assert sent == []


def test_the_front_notes_the_arrival_where_the_endpoint_looks_for_it():
    assert application.RECEIVED == RECEIVED
