"""A login and a call of the API are one trace, from the browser to application, issuer and API.

- The three processes send their spans as in production: in batches, by OTLP over HTTP. `collector.py` receives them.
- The browser's span is made by OpenTelemetry's SDK in this process, with the in-memory exporter.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.core import signing
from opentelemetry import propagate
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from project.launch import environment, processes
from project.launch.browser import Browser, Page
from project.launch.environment import Environments
from project.launch.ports import Ports
from tests import marks, prepared
from tests.flow.collector import Collector, Sent, collector
from tests.flow.conftest import serve, served
from tests.log_leaks import shape_of
from tests.ports import free

pytestmark = [*marks.stack]
APPLICATION, ISSUER, API = "webapp", "keyturn-issuer", "keyturn-api"
EXPECTED = {(APPLICATION, "webapp"), (ISSUER, "POST token"), (API, "GET note-list")}
SAID_OF_A_REQUEST = {"http.request.method", "http.route", "http.response.status_code"}
SOON, NEVER = {"OTEL_BSP_SCHEDULE_DELAY": "200"}, {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}
"""Milliseconds between two batches."""
WITHIN = 60.0  # seconds: a busy machine needs some


@dataclass(frozen=True, slots=True)
class Login:
    """The recorded login, after all processes have ended.

    `spans` are the exported spans, and `texts` are the exports as JSON. `secrets` must not occur in `texts`.
    """

    trace: str
    browser: str
    """The id of the browser's span."""
    spans: list[Sent]
    texts: list[str]
    secrets: dict[str, str]
    variables: Environments

    @property
    def exported(self) -> dict[str, str]:
        """Return the name of the service that exported each span, by the span's id. Includes the browser's span."""
        return {self.browser: "browser"} | {span.id: span.service for span in self.spans}

    def parents_of(self, name: str) -> set[str | None]:
        """Return the services that exported the parents of the spans with this name, in the trace of the login.

        A parent that was not exported is None in the result.
        """
        named = [span for span in self.spans if span.name == name and span.trace == self.trace]
        return {self.exported.get(span.parent) for span in named}


@pytest.fixture(scope="module")
def received() -> Iterator[Collector]:
    with collector() as made:
        yield made


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory, received: Collector) -> Login:
    var, where = prepared.copy(tmp_path_factory), Ports(free(), free(), free())
    shell = {"OTEL_TRACES": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": received.url}
    variables = environment.prepare(where, shell, var)
    prepared.set_up(variables, var, where)
    for own in (variables.issuer, variables.api, variables.webapp):
        own.update(SOON)
    with served(variables, where, var):
        browser, browsers, landed = logged_in(where.url("webapp"), variables.demo["DEMO_PASSWORD"])
        trace, span = f"{browsers.trace_id:032x}", f"{browsers.span_id:016x}"
        wait_for(lambda: {(sent.service, sent.name) for sent in received.spans if sent.trace == trace} >= EXPECTED)
        wait_for(lambda: not orphans(received.spans, span))
    return Login(trace, span, received.spans, received.texts, secrets_of(variables, browser, landed), variables)


def logged_in(url: str, password: str) -> tuple[Browser, SpanContext, Page]:
    """Log in to the application, which then shows the user's notes from the API.

    Each request has the browser's span as its parent. Returns the browser, the context of this span, and the last page.
    """
    exporter, provider, browser = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False), Browser()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("browser").start_as_current_span("login"):
        propagate.inject(browser._session.headers)
        page = browser.log_in(browser.get(f"{url}/login"), "demo", password)
        landed = browser.submit(page, {}, button="allow") if "Read your notes" in page.text else page
    assert landed.status == 200
    (span,) = exporter.get_finished_spans()
    return browser, span.context, landed


def secrets_of(variables: Environments, browser: Browser, landed: Page) -> dict[str, str]:
    """Return all secrets by name: those of the processes, the demo's passwords, and those of the login.

    The secrets of the login are the parameters of its redirects, and the tokens in the session.
    """
    values = {f"{name} of {own['DJANGO_SETTINGS_MODULE']}": own[name] for own, name in keys_of(variables)}
    for url in landed.history:
        values |= {f"{name} of a redirect": value for name, value in parse_qsl(urlsplit(url).query) if len(value) > 12}
    session = signing.loads(
        browser._session.cookies["webapp_session"],
        key=variables.webapp["SECRET_KEY"],
        salt="django.contrib.sessions.backends.signed_cookies",
    )
    return values | variables.demo | {name: session[name] for name in ("access_token", "refresh_token", "id_token")}


def keys_of(variables: Environments) -> Iterator[tuple[dict[str, str], str]]:
    yield variables.issuer, "KEY_ENCRYPTION_KEYS"
    yield variables.webapp, "WEBAPP_CLIENT_SECRET"
    yield from ((own, "SECRET_KEY") for own in (variables.issuer, variables.api, variables.webapp))


def orphans(spans: list[Sent], browser: str) -> list[Sent]:
    """Return the spans whose parent was not exported.

    `browser` is the id of the browser's span, which counts as exported.
    """
    exported = {"", browser, *(span.id for span in spans)}
    return [span for span in spans if span.parent not in exported]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until `condition` returns True, at most WITHIN seconds.

    Does not raise an exception after this time, because the assertions of the tests report the missing spans.
    """
    deadline = time.monotonic() + WITHIN
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_login_is_one_trace_over_three_services(login: Login) -> None:
    traced = [span for span in login.spans if span.trace == login.trace]
    assert {span.service for span in traced} == {APPLICATION, ISSUER, API}
    assert {(span.service, span.name) for span in traced} >= EXPECTED


def test_the_parent_of_each_span_is_exported(login: Login) -> None:
    assert orphans(login.spans, login.browser) == []
    assert [span for span in login.spans if span.trace == login.trace and not span.parent] == []


def test_the_application_s_span_is_the_parent_of_those_of_issuer_and_api(login: Login) -> None:
    assert login.parents_of("webapp") == {"browser"}
    assert login.parents_of("POST token") == login.parents_of("GET note-list") == {APPLICATION}


def test_a_span_of_issuer_or_api_says_method_endpoint_and_status_only(login: Login) -> None:
    for span in login.spans:
        assert span.attributes.keys() == (set() if span.service == APPLICATION else SAID_OF_A_REQUEST), span


def test_no_span_has_a_token_a_code_a_secret_or_an_address(login: Login) -> None:
    assert {"code of a redirect", "refresh_token", "DEMO_PASSWORD"} <= login.secrets.keys()
    assert all(login.secrets.values())
    assert login.texts
    for text in login.texts:
        assert shape_of(text) == ""
        assert [name for name, secret in login.secrets.items() if secret in text] == []


def test_a_process_that_ends_sends_its_last_spans(login: Login, received: Collector, tmp_path: Path) -> None:
    url, count = f"http://localhost:{free()}", len(received.spans)
    child = serve("api", login.variables.api | NEVER | {"API_AUDIENCE": f"{url}/"}, url, tmp_path)
    try:
        assert requests.get(f"{url}/api/notes/", timeout=60).status_code == 401
        assert received.spans[count:] == []
    finally:
        processes.stop([child])
    assert "GET note-list" in {span.name for span in received.spans[count:]}
