"""The search for leaks finds each kind of secret, and does not report texts that the log may contain."""

import base64
import io
import json
import logging
import sys
from pathlib import Path

import pytest
from django.http import JsonResponse
from django.test import Client

from tests.log_leaks import (
    SEARCH,
    LeakSearch,
    leaks_of_file,
    replace_closed_streams,
    secrets_of_response,
    shape_of,
)
from tokens.issued import one_time

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWl0"
LEAKS = {
    JWT: "a JWT",
    f"Authorization: Bearer {'x' * 20}": "credentials",
    f"Basic {base64.b64encode(b'service:secret-of-it').decode()}": "credentials",
    "-----BEGIN PRIVATE KEY-----": "a private key",
    "mail to ada@example.org failed": "an e-mail address",
    '{"action": "a.b", "subject": "user:x", "details": {"email": "ada@example.org"}}': "an e-mail address",
}
HARMLESS = (
    '{"action": "user.logged_in", "actor": "user:ada@example.org", "subject": "user:ada@example.org"}',
    "sent to …@example.org",
    "Bearer tokens are refused",
    "kid dd9EZHXBTkmGvyTqQTWWlyyGsJY3J8KwFBUsoG0YQY0 is the standby",
    "tokens/views/token.py@main",
)


@pytest.mark.parametrize("text", LEAKS)
def test_each_shape_is_found(text: str) -> None:
    assert shape_of(text) == LEAKS[text]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_the_log_may_have_is_no_leak(text: str) -> None:
    assert shape_of(text) == ""


def logged(search: LeakSearch, text: str, name: str = "tokens.x") -> list[str]:
    search.handle(logging.LogRecord(name, logging.INFO, __file__, 1, "%s", (text,), None))
    return search.leaks


def test_a_secret_is_found_once_it_was_issued_or_sent() -> None:
    search = LeakSearch()
    assert logged(search, "the code kSgSjQ9v4pX2") == []
    search.note("kSgSjQ9v4pX2")
    (leak,) = logged(search, "the code kSgSjQ9v4pX2")
    assert leak.startswith("a secret of this test in a line of tokens.x (")
    assert "kSgSjQ9v4pX2" not in leak
    search.begin()
    assert logged(search, "the code kSgSjQ9v4pX2") == []


def test_an_address_in_a_line_of_another_library_is_masked_and_in_one_of_the_issuer_is_a_leak() -> None:
    assert logged(LeakSearch(), "refused: ada@example.org", "django.request") == []
    assert logged(LeakSearch(), "refused: ada@example.org")[0].startswith("an e-mail address")


@pytest.mark.django_db
def test_secrets_of_requests_responses_and_generators_are_recorded() -> None:
    credentials = base64.b64encode(b"service:secret-of-service").decode()
    Client().post(
        "/oauth/token?code=code-of-the-query", {"refresh_token": "refresh-token-sent", "scope": "scope-of-request"},
        headers={"Authorization": f"Basic {credentials}"},
    )  # fmt: skip
    Client().post("/oauth/token", {"password": "password-in-json"}, content_type="application/json")
    Client().post("/oauth/token", "code=code-in-a-form", content_type="application/x-www-form-urlencoded")
    code = one_time.new()
    assert {"password-in-json", "code-in-a-form"} <= SEARCH.secrets
    assert {"code-of-the-query", "refresh-token-sent", "secret-of-service", credentials, code} <= SEARCH.secrets
    assert "scope-of-request" not in SEARCH.secrets
    answer = JsonResponse({"access_token": "access-token-answered", "expires_in": "three hundred"})
    assert list(secrets_of_response(answer)) == ["access-token-answered"]


def test_lines_of_processes_are_searched_and_those_of_other_programs_are_not(tmp_path: Path) -> None:
    file = tmp_path / "issuer.txt"  # `*.log` would be searched at the end
    lines = [
        json.dumps({"level": "INFO", "logger": "tokens.views.token", "message": JWT}),
        f"2027-01-31 12:00:00,123 ERROR project.front: {JWT}",
        f"nginx: GET /?token={JWT}",
        json.dumps({"level": "INFO", "logger": "tokens.views.token", "message": "fine"}),
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert list(leaks_of_file(file)) == [f"a JWT in line 1 of {file}", f"a JWT in line 2 of {file}"]


def test_a_handler_of_an_earlier_test_does_not_write_to_the_capture_of_that_test() -> None:
    ended, open_ = io.StringIO(), io.StringIO()
    ended.close()
    closed, writing = logging.StreamHandler(ended), logging.StreamHandler(open_)
    replace_closed_streams([closed, writing, logging.NullHandler()])
    assert (closed.stream, writing.stream) == (sys.stderr, open_)
