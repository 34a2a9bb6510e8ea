"""The account pages of a user in chromium: sessions, applications and devices, also in two tabs or after "back"."""

from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser.user import CALLBACK, Issuer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def tab(chromium: Browser) -> Page:
    """Return a tab of a browser that has no cookies yet."""
    return chromium.new_context().new_page()


def answer_at_client(page: Page, button: str) -> dict[str, list[str]]:
    """Press a button of the consent page. Return the parameters of the browser's next request to the redirect URI."""
    with page.expect_request(f"{CALLBACK}?*") as sent:
        page.locator(button).click()
    return parse_qs(urlsplit(sent.value.url).query)


def answer_unasked(page: Page, address: str) -> dict[str, list[str]]:
    """Open an authorization request that the issuer answers without asking the user.

    Returns the parameters of the browser's request to the redirect URI.
    """
    with page.expect_request(f"{CALLBACK}?*") as sent, suppress(Error):  # there is no such site
        page.goto(address)
    return parse_qs(urlsplit(sent.value.url).query)


ALLOW, REFUSE = "button[name=allow][value=true]", "button[name=allow][value=false]"


def test_a_user_allows_an_application_is_not_asked_again_withdraws_it_and_is_asked_again(
    issuer: Issuer, tab: Page
) -> None:
    address = issuer.request("Calendar")
    issuer.log_in(tab, address)
    expect(tab.get_by_role("heading")).to_have_text("Calendar asks for access to Notes")
    expect(tab.locator(".destination")).to_contain_text("reports.example")
    assert "code" in answer_at_client(tab, ALLOW)
    assert "code" in answer_unasked(tab.context.new_page(), address)
    tab = tab.context.new_page()
    tab.goto(f"{issuer.url}/accounts/applications/")
    card = tab.locator(".cards > li", has_text="Calendar")
    card.get_by_role("button", name="Withdraw access").click()
    expect(tab.get_by_role("status")).to_contain_text("The access was withdrawn")
    expect(card).to_have_count(0)
    tab.go_back()
    expect(card).to_have_count(0)
    tab.goto(address)
    expect(tab.get_by_role("heading")).to_have_text("Calendar asks for access to Notes")


def test_a_user_refuses_and_the_application_gets_an_error(issuer: Issuer, tab: Page) -> None:
    issuer.log_in(tab, issuer.request("Contacts"))
    assert answer_at_client(tab, REFUSE)["error"] == ["access_denied"]
    tab = tab.context.new_page()
    tab.goto(f"{issuer.url}/accounts/applications/")
    expect(tab.locator(".cards > li", has_text="Contacts")).to_have_count(0)


def test_a_session_ends_elsewhere_and_the_browser_is_sent_to_the_login(
    issuer: Issuer, tab: Page, chromium: Browser
) -> None:
    phone = chromium.new_context(
        user_agent="Mozilla/5.0 (Linux; Android 15; K) Chrome/140 Mobile Safari/537.36"
    ).new_page()
    issuer.log_in(phone, "/accounts/sessions/")
    issuer.log_in(tab, "/accounts/sessions/")
    card = tab.locator(".cards > li", has_text="Chrome on Android").first
    card.get_by_role("button", name="End this session").click()
    expect(tab.get_by_role("status")).to_have_text("1 session ended.")
    phone.reload()
    expect(phone).to_have_url(f"{issuer.url}/accounts/login/?next=%2Faccounts%2Fsessions%2F")
    tab.reload()
    expect(tab.locator(".badge")).to_have_text("this session")


def test_all_other_sessions_end_by_keyboard_alone(issuer: Issuer, tab: Page, chromium: Browser) -> None:
    other = chromium.new_context().new_page()
    issuer.log_in(other)
    issuer.log_in(tab, "/accounts/sessions/")
    tab.get_by_role("button", name="End all other sessions").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".cards > li")).to_have_count(1)
    other.reload()
    expect(other.get_by_role("heading")).to_have_text("You are not logged in")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_device_is_allowed_by_its_typed_code(issuer: Issuer, chromium: Browser, javascript: bool) -> None:
    codes = issuer.device()
    assert issuer.poll(codes).json()["error"] == "authorization_pending"
    page = chromium.new_context(java_script_enabled=javascript).new_page()
    page.goto(f"{issuer.url}/oauth/device")
    issuer.fill_in(page)
    page.locator("#user_code").fill(f" {codes['user_code'].lower().replace('-', ' ')} ")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"shows the code {codes['user_code']}")).to_be_visible()
    page.locator(ALLOW).click()
    expect(page.get_by_role("heading")).to_have_text("The device is connected")


def test_a_login_in_one_tab_is_found_by_the_other(issuer: Issuer, tab: Page) -> None:
    second = tab.context.new_page()
    tab.goto(issuer.request("Calendar", prompt="consent"))
    second.goto(issuer.request("Contacts", prompt="consent"))
    issuer.fill_in(tab)
    issuer.fill_in(second)  # its form was made before the login in the other tab
    if second.get_by_role("link", name="Continue as demo").is_visible():
        second.get_by_role("link", name="Continue as demo").click()
    expect(tab.get_by_role("heading")).to_have_text("Calendar asks for access to Notes")
    expect(second.get_by_role("heading")).to_have_text("Contacts asks for access to Notes")
    # Refused, because consent would be remembered for the other tests.
    assert answer_at_client(second, REFUSE)["error"] == ["access_denied"]
    assert answer_at_client(tab, REFUSE)["error"] == ["access_denied"]
