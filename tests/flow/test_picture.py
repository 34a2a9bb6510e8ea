"""The page of the example application that draws the login flow, tested with running servers.

The drawing grows with each step and shows no secret. Buttons of the page send faulty requests to the API. The page then
names the check by which the API refused the request.
"""

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing

from project.launch.browser import Browser, Page
from tests import manage_process, marks
from tests.flow.conftest import System
from tests.flow.test_logout import COOKIE, SALT, cookie, inside, log_in, url
from tests.flow.test_revocation import seconds_until

pytestmark = [*marks.stack]
ARROWS = ("ask", "send", "user", "code", "redeem", "sign", "call", "keys", "decide")
MINT = """
from datetime import timedelta
from django.utils.timezone import now
from tokens.issued.access_token import AccessToken, mint
from tokens.keys.keyring import signer
names = {{"issuer": {issuer!r}, "audience": {audience!r}, "subject": "u-1", "client_id": "webapp", "token_id": "t-1"}}
times = {{"issued_at": now() - timedelta(hours=1), "lifetime": timedelta(seconds=30)}}
token = AccessToken(scopes=("notes:read",), **names, **times)
print(mint(token, signer=signer(now=now())).text)
"""


def flow(system: System, query: str = "") -> str:
    return url(system, f"/flow/{query}")


def text(page: Page) -> str:
    assert page.status == 200
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page.text)).split())


def put_cookie(system: System, browser: Browser, session: dict[str, Any]) -> None:
    """Replace the browser's session at the application by one with the content `session`."""
    text = signing.dumps(
        session, key=system.variables.webapp["SECRET_KEY"], salt=SALT, serializer=JSONSerializer, compress=True
    )
    next(each for each in browser._session.cookies if each.name == COOKIE).value = text


def press(system: System, browser: Browser, how: str) -> str:
    """Press the button of the page that sends a request with the fault `how`. Return the text of the next page."""
    page = browser.get(flow(system))
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    assert f'name="how" value="{how}"' in page.text
    answer = browser._session.post(
        url(system, "/flow/break"),
        {"how": how, "csrfmiddlewaretoken": token[1]},
        headers={"Referer": page.url},
        timeout=60,
    )
    return text(Page(answer.url, answer.status_code, answer.text, ()))


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_the_picture_fills_in_and_shows_each_exchange_without_a_secret(system: System, browser: Browser) -> None:
    assert 'class="arrow seen' not in browser.get(flow(system)).text
    landed = log_in(system, browser)
    codes = [part for visited in landed.history for part in re.findall(r"[?&](?:code|state|nonce)=([^&]+)", visited)]
    assert codes
    session = inside(system, cookie(browser) or "")
    token = session["access_token"]
    expires_at = f"It expires at {datetime.fromtimestamp(session['expires_at'], UTC):%H:%M:%S} UTC"
    assert expires_at in text(browser.get(flow(system)))
    pages = {name: browser.get(flow(system, f"?arrow={name}")) for name in ARROWS}
    assert all(page.text.count('class="arrow seen') == len(ARROWS) for page in pages.values())
    secrets = [*codes, *system.variables.webapp["WEBAPP_CLIENT_SECRET"].split(), system.variables.webapp["SECRET_KEY"]]
    secrets += [token, token.rpartition(".")[2], session["refresh_token"], session["id_token"], cookie(browser) or ""]
    for page in pages.values():
        assert [secret for secret in secrets if secret in html.unescape(page.text)] == []
    assert "grant_type=authorization_code" in text(pages["redeem"])
    assert "code_verifier=(masked)" in text(pages["redeem"])
    assert '"typ": "at+jwt"' in text(pages["sign"])
    assert "GET " + system.api + "/api/notes/" in text(pages["call"])
    assert pages["keys"].text.count('class="lit"') == 1
    assert "The API accepted the token: 200" in text(pages["decide"])


@pytest.mark.parametrize(
    ("how", "check", "reason"),
    [
        ("scope", 9, "403 insufficient_scope: The token's scope is not enough (needed: notes:write)"),
        ("tampered", 6, "401 invalid_token: The token's signature is not valid"),
        ("kid", 5, "401 invalid_token: The token's key is not published by its issuer"),
    ],
)
def test_a_broken_request_is_refused_by_the_check_that_the_picture_names(
    system: System, browser: Browser, how: str, check: int, reason: str
) -> None:
    log_in(system, browser)
    page = press(system, browser, how)
    assert f"The API refused at check {check}:" in page
    assert reason in page
    assert "The API accepted the token: 200" in press(system, browser, "send"), "the session itself is not broken"


def test_an_expired_token_is_refused_because_the_button_does_not_refresh_it(system: System, browser: Browser) -> None:
    """Press the button with a valid token, and then with an expired token that the issuer's key signed.

    The expired token is put directly into the session, so that the test need not wait until a token expires.
    """
    log_in(system, browser)
    assert "The API accepted the token: 200" in press(system, browser, "expired"), "it has not expired yet"
    code = MINT.format(issuer=system.issuer, audience=system.audience)
    expired = manage_process.command(system.variables.issuer, "shell", "-v", "0", "-c", code).strip()
    session = inside(system, cookie(browser) or "") | {"access_token": expired, "expires_at": 1}
    put_cookie(system, browser, session)
    page = press(system, browser, "expired")
    assert "The API refused at check 7:" in page
    assert "401 invalid_token: The token has expired" in page


def test_a_revoked_token_is_refused_after_the_next_poll(system: System, browser: Browser) -> None:
    log_in(system, browser)
    seconds_until(lambda: "401 invalid_token: The token has been revoked" in press(system, browser, "revoked"))
    assert "The API refused at check 8:" in text(browser.get(flow(system)))


def test_nothing_is_sent_without_a_login_or_without_a_csrf_token(system: System, browser: Browser) -> None:
    assert "The API has not been called yet" in press(system, browser, "tampered")
    assert browser._session.post(url(system, "/flow/break"), {"how": "kid"}, timeout=60).status_code == 403
    log_in(system, browser)
    page = browser.get(flow(system))
    assert "form" in page.text
    landed = browser._session.post(url(system, "/flow/break"), {"how": "rotate"}, timeout=60)
    assert landed.status_code == 403


def test_another_browser_sees_nothing_of_the_flow(system: System, browser: Browser) -> None:
    log_in(system, browser)
    assert 'class="arrow seen' not in Browser().get(flow(system, "?arrow=call")).text
