"""Functions that bring a browser to pages of the password reset, the sign-up, and a change of e-mail address.

`page_list` uses them. Most of these pages are reached by a link in a message.
"""

import secrets

from playwright.sync_api import Page

from tests.browser import factor_pages, mail_folder
from tests.browser.user import Issuer


def _send(page: Page, email: str) -> None:
    page.locator("#id_email").fill(email)
    with page.expect_navigation():
        page.locator("main form button").first.click()


def _follow(page: Page, issuer: Issuer, email: str) -> None:
    page.goto(mail_folder.link(page, issuer.variables, email))


def reset_sent(page: Page, issuer: Issuer) -> None:
    """Reach the page that says that a link for a password reset was sent by mail."""
    page.goto(f"{issuer.url}/accounts/password/reset/")
    _send(page, f"{secrets.token_hex(4)}@example.org")


def new_password(page: Page, issuer: Issuer) -> None:
    """Reach the page on which a user who forgot the password sets a new one."""
    email = f"{issuer.new_user()}@example.org"
    page.goto(f"{issuer.url}/accounts/password/reset/")
    _send(page, email)
    _follow(page, issuer, email)
    page.locator("input[type=password]").first.wait_for()


def too_much_mail(page: Page, issuer: Issuer) -> None:
    """Reach the page that a user gets after requesting too many messages to an address."""
    email = f"{secrets.token_hex(4)}@example.org"
    for _ in range(6):
        page.goto(f"{issuer.url}/accounts/password/reset/")
        _send(page, email)
    page.locator("[role=alert]").wait_for()


def signed_up(page: Page, issuer: Issuer) -> None:
    """Reach the page on which a new user chooses a password."""
    email = f"{secrets.token_hex(4)}@example.org"
    page.goto(f"{issuer.url}/accounts/signup/")
    _send(page, email)
    _follow(page, issuer, email)
    page.locator("input[type=password]").first.wait_for()


def address_changed(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks whether to set the new e-mail address of the account."""
    email = f"{secrets.token_hex(4)}@example.org"
    factor_pages.new_user(page, issuer, "/accounts/email/")
    factor_pages.confirm(page)
    _send(page, email)
    _follow(page, issuer, email)


def address_verified(page: Page, issuer: Issuer) -> None:
    """Reach the page that confirms the new e-mail address of the account."""
    address_changed(page, issuer)
    page.locator("main form button").click()
    page.locator("[role=status]").wait_for()
