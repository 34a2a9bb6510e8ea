"""The browser's back button: it sends no form again, and the user can continue from the page that it shows."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import factor_pages
from tests.browser.user import CALLBACK, PASSWORD, Issuer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
LATER = """
from django.contrib.sessions.models import Session
from tokens.authorize.request_row import ANSWERED_AT
for row in Session.objects.all():
    content = row.get_decoded()
    if ANSWERED_AT in content:
        content[ANSWERED_AT] -= 11
        row.session_data = Session.objects.encode(content)
        row.save()
"""
"""Lets the ten seconds pass in which a browser may answer a request again."""
ALLOW = "button[name=allow][value=true]"
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


def test_back_after_the_consent_gives_no_second_code_and_says_that_the_request_was_answered(
    chromium: Browser, issuer: Issuer
) -> None:
    page = chromium.new_page()  # chromium writes the answer 410 to the console
    codes: list[str] = []
    page.route(f"{CALLBACK}*", lambda route: (codes.append(route.request.url), route.fulfill(body="arrived"))[-1])
    issuer.log_in(page, issuer.request("Back", prompt="consent"))
    page.locator(ALLOW).click()
    expect(page.get_by_text("arrived")).to_be_visible()
    issuer.run(LATER)
    page.go_back()
    expect(page.get_by_role("heading")).to_have_text("This request was already answered")
    expect(page.locator(ALLOW)).to_have_count(0)
    assert ["code=" in url for url in codes] == [True]


def test_back_after_the_consent_of_a_user_who_was_logged_in_ends_with_an_error_of_the_application(
    chromium: Browser, issuer: Issuer
) -> None:
    """Going back sends the authorization request again, because this request is in the URL of the consent page.

    The application has used its `state` already. So it shows an error, and does not redeem the second code.
    """
    page = chromium.new_page()  # chromium writes the answer 400 to the console
    page.goto(f"{issuer.url}/accounts/login/")
    page.locator("#id_login").fill(issuer.new_user())
    page.locator("#id_password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{issuer.url}/accounts/")
    page.goto(issuer.where.url("webapp"))
    page.get_by_role("link", name="Log in").click()
    page.locator(ALLOW).click()
    notes = page.get_by_role("heading", name="Your notes")
    expect(notes).to_be_visible()
    page.go_back()
    page.locator(ALLOW).click()  # asked again, because the application requests offline_access
    expect(page.get_by_role("heading")).to_have_text("The login failed")
    page.get_by_role("link", name="Back").click()
    expect(notes).to_be_visible()
