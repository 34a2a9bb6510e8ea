"""An API refuses a revoked token within seconds, although the token has not expired."""

import threading
import time
from collections.abc import Callable

import requests

from project.launch.browser import Browser
from tests import marks
from tests.flow.conftest import System
from tests.flow.test_story import log_in, service_token

pytestmark = [*marks.stack]

PATIENCE = 60.0  # seconds; a busy machine needs more than the polling time


def revoke(system: System, token: str) -> int:
    secret = system.variables.demo["SERVICE_CLIENT_SECRET"]
    answer = requests.post(f"{system.issuer}/oauth/revoke", {"token": token}, auth=("service", secret), timeout=60)
    assert (answer.content, answer.headers.get("Content-Type")) == (b"", None), "oidc-client-ts refuses text/html"
    return answer.status_code


def notes(api: str, token: str) -> requests.Response:
    return requests.get(f"{api}/api/notes/", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def seconds_until(condition: Callable[[], bool], *, within: float = PATIENCE) -> float:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < within, "it did not happen in time"
        threading.Event().wait(0.05)
    return time.monotonic() - start


def test_an_api_that_follows_the_feed_refuses_a_revoked_token_within_the_polling_time(system: System) -> None:
    api = system.api
    ended, standing = service_token(system), service_token(system)
    assert [notes(api, token).status_code for token in (ended, standing)] == [200, 200]
    assert revoke(system, ended) == 200
    seconds_until(lambda: notes(api, ended).status_code == 401)
    refused = notes(api, ended)
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert ended not in refused.text
    assert notes(api, standing).status_code == 200


def test_an_api_that_does_not_follow_the_feed_accepts_a_revoked_token_until_it_expires(
    system: System, api_of: Callable[..., str]
) -> None:
    api = api_of(system.issuer, REVOCATIONS_EVERY="0", API_AUDIENCE=system.audience)
    token = service_token(system)
    assert revoke(system, token) == 200
    assert notes(api, token).status_code == 200


def test_an_api_refuses_an_application_whose_access_its_user_withdrew(system: System) -> None:
    token = log_in(system)["access_token"]
    assert notes(system.api, token).status_code == 200
    browser, page = Browser(), f"{system.issuer}/accounts/applications/"
    listed = browser.log_in(browser.get(page), "demo", system.variables.demo["DEMO_PASSWORD"])
    assert "Example application" in listed.text
    assert "The access was withdrawn" in browser.submit(listed, {}, button="withdraw").text
    seconds_until(lambda: notes(system.api, token).status_code == 401)
