"""The browser's back button: no form is sent a second time, and the page that is shown leads on."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import factor_pages
from tests.browser.user import Issuer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ELSEWHERE = "data:text/html,<title>elsewhere</title><h1>Elsewhere</h1>"


def test_back_after_the_logout_shows_no_page_of_the_account(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, "/accounts/sessions/")
    page.goto(f"{issuer.url}/accounts/logout/")
    page.locator("main button").first.click()
    expect(page.get_by_text("You are not logged in")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("this session")).to_have_count(0)
    page.goto(f"{issuer.url}/accounts/sessions/")
    expect(page.locator("#id_login")).to_be_visible()


def test_back_after_a_wrong_password_shows_the_empty_login_page(page: Page, issuer: Issuer) -> None:
    page.goto(ELSEWHERE)
    page.goto(f"{issuer.url}/accounts/login/")
    page.locator("#id_login").fill("demo")
    page.locator("#id_password").fill("wrong")
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.go_back()
    expect(page.locator("#id_password")).to_have_value("")
    issuer.fill_in(page)
    expect(page).to_have_url(f"{issuer.url}/accounts/")


def test_back_from_the_recovery_codes_does_not_set_up_a_factor_again(page: Page, issuer: Issuer) -> None:
    factor_pages.passkey_added(page, issuer)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.go_back()
    page.wait_for_load_state()
    page.goto(f"{issuer.url}/accounts/2fa/")
    expect(page.get_by_text("You have 1 passkey.")).to_be_visible()
    assert posts == []


def test_back_during_the_second_step_leads_to_the_login_and_on_to_the_account(page: Page, issuer: Issuer) -> None:
    factor_pages.second_step(page, issuer)
    second = page.url
    page.go_back()
    expect(page.locator("#id_login")).to_be_visible()
    page.go_forward()
    expect(page).to_have_url(second)
    page.locator("main button:visible").first.click()
    expect(page).to_have_url(f"{issuer.url}/accounts/")
