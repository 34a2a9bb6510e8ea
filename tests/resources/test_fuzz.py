"""Random requests to every URL of the API never cause a 500. Errors are JSON with the correct challenge."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resources.testing import bad_tokens, mint
from resources.wsgi import Application
from tests.resources.gateway import Answer, Sent, send, whole_api

pytestmark = [pytest.mark.django_db(databases=["default", "api"])]

PATHS = [
    "/api/notes/",
    "/api/notes/1/",
    "/api/whoami/",
    "/api/schema/",
    "/api/docs/",
    "/healthz",
    "/readyz",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/notes",
    "/api/notes",
    "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css",
    "/nothing",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
TYPES = [
    "",
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=zlib",
    "application/json; charset=undefined",
    "application/json; a*=bogus''x",
    "application/json; charset*=utf-8''a%00b",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=\xff",
    "text/plain",
]
NAMES = ["ACCEPT", "ACCEPT_ENCODING", "HOST", "COOKIE", "ORIGIN", "RANGE", "IF_NONE_MATCH", "IF_MODIFIED_SINCE",
         "X_HTTP_METHOD_OVERRIDE", "X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST"]  # fmt: skip
QUERIES = ["page", "page_size", "format", "lang", "version", "access_token", "id"]
METADATA = 'resource_metadata="http://localhost:8001/.well-known/oauth-protected-resource"'
OFFER = 'DPoP algs="ES256 EdDSA Ed25519"'
CHALLENGES = {
    400: r'Bearer realm="api", error="invalid_request", .*',
    401: r'Bearer realm="api", (error="invalid_token", error_description="[^"]+", )?(scope="notes:(read|write)", )?',
    403: r'Bearer realm="api", error="insufficient_scope", .*, scope="notes:(read|write)", ',
}
DEEP = [b"[" * 20_000, b'{"a":' * 9_000, b'{"title":' + b"[" * 20_000 + b"]" * 20_000 + b"}"]

latin = st.text(st.characters(max_codepoint=255), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "body", "id", "x"]), inner),
    max_leaves=10,
)
bodies = (
    st.binary(max_size=60)
    | values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from([*DEEP, b'{"title":"x"}', b'{"title":"\\ud800"}', b"9" * 5000, b"x" * (64 * 1024 + 1)])
)
tokens = st.sampled_from(["", "notes:read", "notes:write", "notes:read notes:write"]).map(mint)
presented = st.one_of(
    st.just(""),
    tokens.map("Bearer {}".format),
    st.sampled_from(sorted(bad_tokens())).map(lambda name: f"Bearer {bad_tokens()[name]}"),
    latin.map("Bearer {}".format),
    latin,
)
queries = st.lists(st.tuples(st.sampled_from(QUERIES), st.sampled_from(["1", "-1", "%00", "%ff", "json", "é"]) | latin))


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    headers = {f"HTTP_{name}": value for name, value in draw(st.dictionaries(st.sampled_from(NAMES), latin)).items()}
    if authorization := draw(presented):
        headers["HTTP_AUTHORIZATION"] = authorization
    if draw(st.booleans()):
        headers["CONTENT_LENGTH"] = draw(st.sampled_from(["", "x", "0", "1", "65537"]))
    return Sent(
        method=draw(st.sampled_from(METHODS) | st.text("ABCdef-!", min_size=1, max_size=8)),
        path=draw(st.sampled_from(PATHS) | latin.map("/api/notes/{}/".format) | latin.map("/{}".format)),
        query="&".join("=".join(pair) for pair in draw(queries)),
        headers={**headers, "CONTENT_TYPE": draw(st.sampled_from(TYPES) | latin)},
        body=draw(bodies),
    )


bounded = settings(
    max_examples=max(200, settings.default.max_examples),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    with whole_api() as api:
        yield api


def check(answer: Answer, sent: Sent) -> None:
    assert answer.status < 500, sent
    challenge = answer.headers.get("www-authenticate")
    assert answer.status != 401 or challenge is not None, sent
    if challenge is not None:
        offer = f", {OFFER}" if answer.status == 401 else ""
        assert re.fullmatch(CHALLENGES[answer.status] + re.escape(METADATA + offer), challenge), (sent, challenge)
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/json", sent
        if sent.method != "HEAD":
            assert isinstance(answer.json(), dict | list), sent


@bounded
@given(sent=requests())
@example(sent=Sent("GET", "/api/notes/", "page=2", {"CONTENT_TYPE": "text/plain; charset=zlib"}))
@example(sent=Sent("GET", "/healthz", "", {"CONTENT_TYPE": "text/plain; a*=bogus''x"}))
@example(sent=Sent("GET", "/healthz", "", {"HTTP_HOST": "evil.."}))
def test_no_request_makes_a_500_and_every_error_is_json_with_its_challenge(
    application: Application, sent: Sent
) -> None:
    check(send(application, sent), sent)


@bounded
@given(body=bodies, method=st.sampled_from(["POST", "PUT", "PATCH"]), path=st.sampled_from(PATHS[:2]))
def test_no_body_with_a_valid_token_makes_a_500(application: Application, body: bytes, method: str, path: str) -> None:
    headers = {"CONTENT_TYPE": "application/json", "HTTP_AUTHORIZATION": f"Bearer {mint('notes:write')}"}
    sent = Sent(method, path, headers=headers, body=body)
    check(send(application, sent), sent)


@pytest.mark.parametrize("path", PATHS)
def test_every_method_at_every_url_gets_a_correct_answer_with_and_without_a_token(
    application: Application, path: str
) -> None:
    for method in METHODS:
        for headers in ({}, {"HTTP_AUTHORIZATION": f"Bearer {mint('notes:read notes:write')}"}):
            sent = Sent(method, path, headers=headers)
            check(send(application, sent), sent)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_the_documentation_answers_get_and_no_other_method(application: Application, path: str) -> None:
    statuses = {method: send(application, Sent(method, path)).status for method in METHODS}
    assert statuses == {method: 200 if method in {"GET", "HEAD"} else 405 for method in METHODS}


def post(application: Application, body: bytes, content_type: str = "application/json") -> tuple[int, Any]:
    headers = {"CONTENT_TYPE": content_type, "HTTP_AUTHORIZATION": f"Bearer {mint('notes:write')}"}
    answer = send(application, Sent("POST", "/api/notes/", headers=headers, body=body))
    return answer.status, answer.json()


@pytest.mark.parametrize("body", DEEP)
def test_a_body_nested_deeply_is_a_bad_request(application: Application, body: bytes) -> None:
    assert post(application, body) == (400, {"detail": "The body is not strict JSON (RFC 7493)"})


def test_a_body_beyond_the_limit_gets_413(application: Application) -> None:
    assert post(application, b'"' + b"x" * 64 * 1024 + b'"') == (413, {"detail": "The body is too long"})


@pytest.mark.parametrize("content_type", [kind for kind in TYPES if "charset" in kind or "*=" in kind])
def test_a_content_type_that_cannot_be_decoded_is_a_bad_request(application: Application, content_type: str) -> None:
    assert post(application, b"{}", content_type) == (400, {"detail": "The Content-Type cannot be read"})


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii", "iso-8859-1", ""])
def test_a_body_is_read_as_utf_8_for_any_charset(application: Application, charset: str) -> None:
    status, note = post(application, '{"title": "Käse"}'.encode(), f"application/json; charset={charset}")
    assert (status, note["title"]) == (201, "Käse")
