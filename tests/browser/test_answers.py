"""The ways in which an authorization response reaches a client's website in chromium.

The response is sent in a form (form_post), with and without JavaScript, or in a popup that the website opened.
"""

import json
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests import manage_process
from tests.browser.receiver import Receiver, receiver
from tests.tokens.factories import CHALLENGE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
System = tuple[Ports, Environments]


@pytest.fixture
def site() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


@pytest.fixture
def client_id(system: System, site: Receiver) -> str:
    """Register the website of the fixture `site` as a public client, and return its client_id."""
    made = manage_process.command(
        system[1].issuer,
        *("create_client", "--name", "Site", "--public", "--grant", "authorization_code", "--json"),
        *("--redirect-uri", f"{site.url}/callback", "--scope", "notes:read"),
    )
    return str(json.loads(made)["client_id"])


@pytest.fixture
def request_address(system: System, site: Receiver, client_id: str) -> str:
    """Return the URL of an authorization request without the parameter response_mode."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": f"{site.url}/callback",
        "scope": "openid notes:read",
        "state": 's "1" <é>',
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{system[0].url('issuer')}/oauth/authorize?{urlencode(query)}"


def log_in(page: Page, system: System) -> None:
    """Fill in the login page as the user `demo`, and submit it. Finds the fields by the ids in docs/clients.md."""
    page.locator("#id_login").fill("demo")
    page.locator("#id_password").fill(system[1].demo["DEMO_PASSWORD"])
    page.locator("button[type=submit]").click()


def assert_received(system: System, site: Receiver, method: str, *names: str) -> None:
    [(how, sent)] = site.received
    assert (how, set(sent)) == (method, {*names, "state", "iss"})
    assert (sent["state"], sent["iss"]) == ('s "1" <é>', system[0].url("issuer"))


def test_a_code_arrives_by_a_form_that_the_page_sends_itself(
    system: System, site: Receiver, request_address: str, page: Page
) -> None:
    page.goto(f"{request_address}&response_mode=form_post")
    log_in(page, system)
    page.locator("button[name=allow][value=true]").click()
    expect(page.get_by_text("Landed")).to_be_visible()
    assert page.url == f"{site.url}/callback", "nothing is in the address"
    assert_received(system, site, "POST", "code")


def test_a_refusal_arrives_by_a_form(system: System, site: Receiver, request_address: str, page: Page) -> None:
    page.goto(f"{request_address}&response_mode=form_post")
    log_in(page, system)
    page.locator("button[name=allow][value=false]").click()
    expect(page.get_by_text("Landed")).to_be_visible()
    assert_received(system, site, "POST", "error", "error_description")


def test_without_javascript_the_user_sends_the_form_by_its_button(
    system: System, site: Receiver, request_address: str, chromium: Browser
) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(f"{request_address}&response_mode=form_post")
    log_in(page, system)
    page.locator("button[name=allow][value=true]").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Landed")).to_be_visible()
    assert_received(system, site, "POST", "code")


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a_login_in_a_popup_answers_the_page_that_opened_it(
    system: System, site: Receiver, request_address: str, page: Page, mode: str
) -> None:
    page.goto(f"{site.url}/#{quote(f'{request_address}&response_mode={mode}', safe='')}")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Log in").click()
    popup = opened.value
    log_in(popup, system)
    assert page.evaluate("window.popup.closed") is False, "the consent page is still connected"
    popup.locator("button[name=allow][value=true]").click()
    expect(page.locator("#said")).to_have_text("the popup answered, open")
    assert_received(system, site, "POST" if mode == "form_post" else "GET", "code")


def test_an_invalid_request_shows_its_error_before_any_login(
    system: System, site: Receiver, request_address: str, chromium: Browser
) -> None:
    page = chromium.new_page()
    page.goto(request_address.replace("code_challenge=", "no="))
    expect(page.locator("[role=alert]")).to_contain_text("PKCE is required")
    assert site.received == []
