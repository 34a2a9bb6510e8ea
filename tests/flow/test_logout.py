"""After log-out from the example application, a stolen session cookie gives no access.

The application does not accept the cookie, and issuer and API do not accept the tokens in the cookie.
"""

import time
from typing import Any

import requests
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing

from project.launch.browser import Browser, Page
from tests import marks
from tests.flow.conftest import System
from tests.flow.test_revocation import seconds_until

pytestmark = [*marks.stack]
COOKIE, SALT = "webapp_session", "django.contrib.sessions.backends.signed_cookies"
LARGEST = 4096  # bytes of a cookie that every browser takes (RFC 6265 section 6.1)


def url(system: System, path: str) -> str:
    return system.children["webapp"].url + path


def log_in(system: System, browser: Browser) -> Page:
    page = browser.get(url(system, "/login"))
    if "password" in page.text:
        page = browser.log_in(page, "demo", system.variables.demo["DEMO_PASSWORD"])
    return browser.submit(page, {}, button="allow") if "Allow" in page.text else page


def log_out(browser: Browser, page: Page) -> Page:
    """Submit the first form of the page, which logs the user out. Return the next page."""
    return browser.submit(page, {})


def cookie(browser: Browser) -> str | None:
    return browser._session.cookies.get(COOKIE)


def inside(system: System, text: str) -> dict[str, Any]:
    """Return the decoded content of `text`, the value of a session cookie of the application."""
    secret = system.variables.webapp["SECRET_KEY"]
    return signing.loads(text, key=secret, salt=SALT, serializer=JSONSerializer)


def aged(system: System, text: str) -> str:
    """Return a copy of the session cookie `text` whose access token is marked as expired.

    With this cookie, the application has to use the refresh token.
    """
    secret = system.variables.webapp["SECRET_KEY"]
    old = inside(system, text) | {"expires_at": time.time()}
    return signing.dumps(old, key=secret, salt=SALT, serializer=JSONSerializer, compress=True)


def evidence(system: System, text: str) -> tuple[int, int]:
    """Request the application's evidence page with a session cookie whose value is `text`.

    Returns two HTTP statuses: that of the application's answer, and that of the API's answer to the application. The
    second status is 0 if the application did not call the API.
    """
    answer = requests.get(url(system, "/evidence.json"), cookies={COOKIE: text}, timeout=60)
    return answer.status_code, answer.json().get("api", {}).get("status", 0)


def test_logging_out_ends_the_session_at_the_application_the_issuer_and_the_api(system: System) -> None:
    browser = Browser()
    page = log_in(system, browser)
    assert "Your notes" in page.text
    stolen = cookie(browser)
    assert stolen is not None
    assert len(stolen) < LARGEST - len(COOKIE)
    assert evidence(system, stolen) == evidence(system, aged(system, stolen)) == (200, 200)

    left = log_out(browser, page)
    assert [visited.partition("?")[0] for visited in left.history] == [
        url(system, "/logout"),
        f"{system.issuer}/oauth/logout",
    ]
    assert (left.url, left.status) == (url(system, "/"), 200)
    assert "Log in" in left.text
    assert cookie(browser) is None

    assert evidence(system, aged(system, stolen)) == (401, 0)
    # The API refuses the token; or the logout token of the issuer came first and ended the stolen session.
    seconds_until(lambda: evidence(system, stolen) in {(200, 401), (401, 0)})
    assert "password" in browser.get(url(system, "/login")).text, "the issuer asks who they are"


def test_the_refresh_token_is_revoked_at_the_issuer(system: System) -> None:
    browser = Browser()
    page = log_in(system, browser)
    kept = inside(system, cookie(browser) or "")
    log_out(browser, page)
    answer = requests.post(
        f"{system.issuer}/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": kept["refresh_token"]},
        auth=("webapp", system.variables.demo["WEBAPP_CLIENT_SECRET"]),
        timeout=60,
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_logging_out_without_a_session_changes_nothing(system: System) -> None:
    browser = Browser()
    page = log_in(system, browser)
    elsewhere = Browser()
    elsewhere._session.cookies.update(browser._session.cookies)
    log_out(browser, page)
    elsewhere._session.cookies.pop(COOKIE)
    again = log_out(elsewhere, page)
    assert (again.url, again.status) == (url(system, "/"), 200)


def test_the_application_ends_its_session_and_reports_that_the_issuer_does_not_answer(system: System) -> None:
    browser = Browser()
    page = log_in(system, browser)
    with system.without_issuer():
        left = log_out(browser, page)
    assert (left.url, left.status) == (url(system, "/logout"), 200)
    assert "You are logged out here" in left.text
    assert "The issuer does not answer" in left.text
    assert cookie(browser) is None
    assert "Log in" in browser.get(url(system, "/")).text
