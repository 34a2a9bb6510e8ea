"""Password reset, sign-up and a new e-mail address in chromium, with the links of real messages."""

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.browser import mail_folder
from tests.browser.steps import PASSWORD, System, confirm_by_password, log_in, make_user, pictures

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "another battery staple"


@pytest.fixture
def link(system: System, page: Page) -> Callable[[str], str]:
    """Return a function that waits for a message to an e-mail address, and returns the link in the message."""
    return partial(mail_folder.link, page, system[1])


def test_a_user_resets_a_forgotten_password(system: System, page: Page, link: Callable[[str], str]) -> None:
    issuer = system[0].url("issuer")
    make_user(system, "forgetful")
    page.goto(f"{issuer}/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    pictures(page, "reset")
    page.get_by_label("E-mail").fill("forgetful@example.org")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()
    pictures(page, "reset-sent")
    address = link("forgetful@example.org")
    page.goto(address)
    pictures(page, "reset-new")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("Repeat the new password").fill(NEW)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Your password was changed")).to_be_visible()
    pictures(page, "reset-done")
    page.get_by_role("link", name="Log in").click()
    log_in(page, "forgetful", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    log_in(page, "forgetful", NEW)
    expect(page).to_have_url(f"{issuer}/accounts/")
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("can be used once")
    pictures(page, "reset-used")


def test_a_visitor_signs_up_and_uses_the_application(system: System, page: Page, link: Callable[[str], str]) -> None:
    page.goto(system[0].url("webapp"))
    page.get_by_role("link", name="Log in").click()
    page.get_by_role("link", name="Create an account").click()
    pictures(page, "sign-up")
    page.get_by_label("E-mail").fill("visitor@example.org")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()
    page.goto(link("visitor@example.org"))
    pictures(page, "sign-up-password")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("Repeat the new password").fill(NEW)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_label("Username or e-mail")).to_have_value("visitor@example.org")
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("button", name="Add note")).to_be_visible()


def test_a_user_changes_password_and_e_mail_address(system: System, page: Page, link: Callable[[str], str]) -> None:
    issuer = system[0].url("issuer")
    make_user(system, "mover")
    page.goto(f"{issuer}/accounts/email/")
    log_in(page, "mover")
    confirm_by_password(page)
    pictures(page, "email")
    page.get_by_label("E-mail").fill("moved@example.org")
    page.get_by_role("button", name="Send the link").click()
    page.goto(link("moved@example.org"))
    pictures(page, "email-confirm")
    page.get_by_role("button", name="Use this address").click()
    expect(page.get_by_role("status")).to_contain_text("moved@example.org")
    page.goto(f"{issuer}/accounts/password/change/")
    pictures(page, "password-change")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("Repeat the new password").fill(NEW)
    page.get_by_role("button", name="Change the password").click()
    page.get_by_role("link", name="Log in").click()
    log_in(page, "moved@example.org", NEW)
    expect(page).to_have_url(f"{issuer}/accounts/")
