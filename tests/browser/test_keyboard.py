"""A user logs in at the application and consents, by keyboard alone.

The language is English or German, and the browser has the width of a phone.
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_page_list import PHONE, overflow
from tests.browser.user import PASSWORD, Issuer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FOCUSED = "document.activeElement.innerText"


def press_until(page: Page, text: str) -> None:
    """Press Tab until the control with this text has the focus, and then Enter. Fails if 20 presses do not reach it."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == text:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"the Tab key does not reach {text}")


@pytest.mark.parametrize(
    ("locale", "log_in", "allow", "heading"),
    [("en-GB", "Log in", "Allow", "Your notes"), ("de-DE", "Anmelden", "Erlauben", "Ihre Notizen")],
)
def test_a_user_logs_in_and_allows_an_application_only_by_keyboard(
    chromium: Browser, issuer: Issuer, locale: str, log_in: str, allow: str, heading: str
) -> None:
    page = chromium.new_context(viewport=PHONE, locale=locale).new_page()  # type: ignore[arg-type]
    page.goto(issuer.where.url("webapp"))
    press_until(page, log_in)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    expect(page.locator("#id_login")).to_be_focused()
    page.keyboard.type(issuer.new_user())
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("button[name=allow]")).to_have_count(2)
    assert overflow(page) == 0
    press_until(page, allow)
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
