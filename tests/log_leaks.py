"""Search the log lines of every test for tokens, secrets, codes and e-mail addresses, and fail the test that wrote one.

- A handler at the root logger formats each record as JSON, as production does.
- A line leaks if it has the shape of a JWT, of credentials of an Authorization header, or of an e-mail address.
- A line leaks if it has a secret of the test's requests or responses, or a secret that the issuer generated.
- A username in the `actor` or `subject` of an audit line is not a leak, even if it has the shape of an e-mail address
  (docs/observability.md).
- Processes that tests start write `*.log` files under pytest's folder. Their lines are searched at the end.
"""

import json
import logging
import re
import sys
from base64 import b64decode
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pytest
from django.test.client import Client, FakePayload

from project.logs import AUDIT, JsonLine

SHAPES = {
    "a JWT": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    "an encrypted JWT": re.compile(r"\beyJ[\w-]{8,}\.[\w-]*\.[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),
    "credentials": re.compile(r"\b(?:Bearer|DPoP|Basic) [\w.~+/-]{12,}"),
    "a private key": re.compile(r"PRIVATE KEY-----|[\"']d[\"']: ?[\"'][\w-]{20,}"),
    "an e-mail address": re.compile(r"(?<![^\s@\"'<>,;:/\\…])[^\s@\"'<>,;:/\\…]+@[\w-]+\.[\w.-]*\w"),
}
NAMES = re.compile(r'"(?:actor|subject)": "user:[^"]*"')
"""Usernames, in lines of the audit log."""
FIELDS = frozenset({
    "access_token", "assertion", "client_assertion", "client_secret", "code", "code_verifier", "device_code",
    "id_token", "id_token_hint", "logout_token", "password", "password1", "password2", "refresh_token",
    "registration_access_token", "request", "subject_token", "token", "user_code",
})  # fmt: skip
"""Parameters and members of JSON that are secrets, in requests or responses."""
PART = re.compile(r'name="(\w+)"\r\n\r\n(.*?)\r\n--')
MEMBER = re.compile(r'"(\w+)": ?"([^"\\]*)"')
"""A field in a multipart form, which Django's test client sends if no type is given, and a member of a JSON object."""
LEAST = 12
"""Characters. A shorter value of a test, such as "x", is a part of other words."""
OWN = {"tokens", "project", "resources", "keyturn_issuer", "keyturn_resources", "examples"}
KEYTURN_LOGGERS = re.compile(r"(?:tokens|project|resources|keyturn_\w+|examples|django|__main__|_granian)\b")
"""Names of loggers of Keyturn's processes."""


class LeakSearch(logging.Handler):
    """A log handler that finds leaks. It has the leaks and the secrets of the running test."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLine())
        self.begin()

    def begin(self) -> None:
        """Begin a new test: forget the leaks and secrets of the previous test."""
        self.secrets: set[str] = set()
        self.leaks: list[str] = []

    def note(self, value: object) -> None:
        """Remember a secret that later log lines must not contain. Values shorter than LEAST are ignored."""
        if isinstance(value, str) and len(value) >= LEAST:
            self.secrets.add(value)

    def emit(self, record: logging.LogRecord) -> None:
        """Search the formatted line of the record, and its message without the format.

        Other projects log the messages of `resources` in their own formats, so the message must have no leak itself.
        """
        own = "" if record.name == AUDIT or record.name.split(".")[0] not in OWN else record.getMessage()
        if kind := self.kind(self.format(record)) or shape_of(own):
            self.leaks.append(f"{kind} in a line of {record.name} ({record.pathname}:{record.lineno})")

    def kind(self, line: str) -> str:
        """Return the kind of secret that the log line contains, or "" if it contains none."""
        if shape := shape_of(line):
            return shape
        return "a secret of this test" if any(secret in line for secret in self.secrets) else ""


def shape_of(line: str) -> str:
    """Return the kind of secret that a text in the line looks like, or "" if no text looks like one.

    The kinds are JWTs, credentials of an Authorization header, and e-mail addresses.
    """
    line = NAMES.sub("", line).replace("\\u2026", "…")  # as JSON writes it
    return next((name for name, shape in SHAPES.items() if shape.search(line)), "")


def secrets_of_request(environ: Mapping[str, Any]) -> Iterator[str]:
    """Yield the credentials and secret parameters of a request of Django's test client."""
    scheme, _, credentials = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    yield credentials
    if scheme == "Basic":
        with suppress(ValueError):
            yield unquote_plus(b64decode(credentials).decode().partition(":")[2])
    body = environ.get("wsgi.input")
    sent = body.__dict__["_FakePayload__content"].getvalue() if isinstance(body, FakePayload) else b""
    text = sent.decode(errors="replace")
    pairs = [*parse_qsl(f"{environ.get('QUERY_STRING', '')}&{text}"), *PART.findall(text), *MEMBER.findall(text)]
    yield from (value for name, value in pairs if name in FIELDS)


def secrets_of_response(response: Any) -> Iterator[str]:
    """Yield the secret members of a JSON response, and the secret parameters of a redirect, such as the code."""
    yield from (
        value for name, value in parse_qsl(urlsplit(response.headers.get("Location", "")).query) if name in FIELDS
    )
    if "json" in response.headers.get("Content-Type", "") and not response.streaming:
        with suppress(ValueError):
            body = json.loads(response.content)
            yield from (value for name, value in body.items() if name in FIELDS) if isinstance(body, dict) else ()


SEARCH = LeakSearch()
"""Lives as long as the process. `begin` empties it before each test."""


@pytest.fixture(scope="session", autouse=True)
def secrets_are_noted() -> Iterator[None]:
    """Remember the secrets of each test's requests and responses, and the secrets that the issuer generates."""
    from tokens.clients import client_secret  # noqa: PLC0415 (models need Django's apps)
    from tokens.issued import one_time, refresh_text  # noqa: PLC0415

    ask = Client.request

    def recorded_request(client: Client, **environ: Any) -> Any:
        for value in secrets_of_request(environ):
            SEARCH.note(value)
        response = ask(client, **environ)
        for value in secrets_of_response(response):
            SEARCH.note(value)
        return response

    with (
        patch.object(Client, "request", recorded_request),
        patch.object(client_secret, "add", noted(client_secret.add)),
        patch.object(one_time, "new", noted(one_time.new)),
        patch.object(refresh_text, "_tagged", noted(refresh_text._tagged)),
    ):
        yield


def noted(function: Callable[..., str]) -> Callable[..., str]:
    """Return a wrapper of `function` that remembers each result as a secret."""

    @wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> str:
        made = function(*arguments, **named)
        SEARCH.note(made)
        return made

    return wrapper


@pytest.fixture(scope="session", autouse=True)
def logs_of_processes_have_no_secrets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search the log files of all processes at the end of the session. Fail if one of them has a leak."""
    yield
    leaks = [leak for path in tmp_path_factory.getbasetemp().rglob("*.log") for leak in leaks_of_file(path)]
    assert leaks == []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin the search for leaks in a new test, and add its log handler again.

    A `dictConfig` in an earlier test can have removed the handler.
    """
    SEARCH.begin()
    root = logging.getLogger()
    if SEARCH not in root.handlers:
        root.addHandler(SEARCH)
    loggers = [root, *(logger for logger in root.manager.loggerDict.values() if isinstance(logger, logging.Logger))]
    replace_closed_streams(handler for logger in loggers for handler in logger.handlers)


def replace_closed_streams(handlers: Iterable[logging.Handler]) -> None:
    """Make handlers whose stream is closed write to stderr.

    The streams are closed if an earlier test called `dictConfig` while pytest captured its stderr.
    """
    for handler in handlers:
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            handler.stream = sys.stderr  # `setStream` would flush the closed stream, which raises ValueError


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """Run the test, and fail it if it logged a secret."""
    result = yield
    if SEARCH.leaks:
        pytest.fail("logged: " + "; ".join(dict.fromkeys(SEARCH.leaks)), pytrace=False)
    return result


def leaks_of_file(path: Path) -> Iterator[str]:
    """Yield the leaks in a log file. Lines that other programs wrote are skipped."""
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if is_of_keyturn(line) and (kind := shape_of(line)):
                yield f"{kind} in line {number} of {path}"


def is_of_keyturn(line: str) -> bool:
    """Return True if a process of Keyturn wrote the line, as JSON or as text."""
    with suppress(ValueError):
        entry = json.loads(line)
        return isinstance(entry, dict) and (
            "action" in entry or bool(KEYTURN_LOGGERS.match(str(entry.get("logger", ""))))
        )
    words = line.split(maxsplit=4)  # date, time, level, logger, message
    return len(words) > 4 and words[2].isupper() and bool(KEYTURN_LOGGERS.match(words[3]))
