"""One request can be found in the logs of application, issuer and API by its request id and its trace id."""

import json
from pathlib import Path

import pytest

from project.launch.browser import Browser
from tests import marks
from tests.flow.conftest import System

pytestmark = [*marks.stack]
TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = {"X-Request-ID": "one-request-1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
FORGED = {"X-Request-ID": '"}{"forged": 1', "traceparent": '00-"forged"-b7ad6b7169203331-01'}


def lines(system: System, process: str) -> list[dict[str, object]]:
    """Return the parsed lines of a process's log. Raises ValueError if a line is not JSON."""
    log: Path = system.children[process].log
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def browser(system: System) -> Browser:
    """Return a browser in which the demo user has logged in to the application."""
    browser = Browser()
    login = browser.get(f"{system.children['webapp'].url}/login")
    consent = browser.log_in(login, "demo", system.variables.demo["DEMO_PASSWORD"])
    landed = browser.submit(consent, {}, button="allow") if "Read your notes" in consent.text else consent
    assert landed.status == 200
    return browser


def test_the_login_is_one_trace_in_application_and_issuer(system, browser):
    issued = [line for line in lines(system, "issuer") if line.get("action") == "token.issued"]
    ids = {(line["request"], line["trace"]) for line in issued}
    called = {(line["request"], line["trace"]) for line in lines(system, "webapp") if "request" in line}
    assert ids & called


def test_ids_of_the_caller_are_in_the_logs_of_all_three(system, browser):
    answer = browser._session.get(f"{system.children['webapp'].url}/evidence.json", headers=SENT, timeout=60)
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, "one-request-1")
    for process, endpoint in (("issuer", "jwks"), ("api", "note-list"), ("webapp", None)):
        logged = [line for line in lines(system, process) if line.get("request") == "one-request-1"]
        assert {line["trace"] for line in logged} == {TRACE}, process
        assert endpoint in {line.get("endpoint") for line in logged}, process


@pytest.mark.parametrize(("process", "path"), [("webapp", "/"), ("issuer", "/oauth/token"), ("api", "/api/notes/")])
def test_forged_ids_are_in_no_log(system, browser, process, path):
    answer = browser._session.get(system.children[process].url + path, headers=FORGED, timeout=60)
    assert "forged" not in answer.headers["X-Request-ID"]
    assert "forged" not in system.children[process].log.read_text(encoding="utf-8")
