"""The pages of passwords, e-mail and second factors, for `page_list`. Each user is new: a factor changes the login."""

import secrets

from playwright.sync_api import Page

from tests.browser import steps
from tests.browser.user import Issuer

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
"""A virtual authenticator that verifies its user."""


def _new_user(page: Page, issuer: Issuer, path: str) -> str:
    """Open a page as a new user who has no factor. Returns the username."""
    name = f"u{secrets.token_hex(4)}"
    steps.make_user((issuer.where, issuer.variables), name)
    page.goto(f"{issuer.url}{path}")
    _log_in(page, name)
    return name


def _log_in(page: Page, name: str) -> None:
    page.locator("#id_login").fill(name)
    page.locator("#id_password").fill(steps.PASSWORD)
    with page.expect_navigation():
        page.locator("button[type=submit]").click()


def _confirm(page: Page) -> None:
    page.locator("input[type=password]").fill(steps.PASSWORD)
    with page.expect_navigation():
        page.locator("main form button").first.click()


def factors(page: Page, issuer: Issuer) -> None:
    """Reach the page of the second factors."""
    _new_user(page, issuer, "/accounts/2fa/")


def confirmation(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks for the password again."""
    _new_user(page, issuer, "/accounts/2fa/totp/activate/")


def app(page: Page, issuer: Issuer) -> None:
    """Reach the page that sets up an authenticator app."""
    confirmation(page, issuer)
    _confirm(page)
    page.locator("#authenticator_secret").wait_for()


def passkey_added(page: Page, issuer: Issuer) -> str:
    """Add a passkey, and reach the page of the recovery codes. Returns the username."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    name = _new_user(page, issuer, "/accounts/2fa/webauthn/add/")
    _confirm(page)
    page.locator("main button:visible").first.click()
    page.locator(".codes").wait_for()
    return name


def recovery_codes(page: Page, issuer: Issuer) -> None:
    """Reach the page of the recovery codes."""
    passkey_added(page, issuer)


def passkeys(page: Page, issuer: Issuer) -> None:
    """Reach the list of the passkeys."""
    passkey_added(page, issuer)
    page.goto(f"{issuer.url}/accounts/2fa/webauthn/")


def passkey_renamed(page: Page, issuer: Issuer) -> None:
    """Reach the page that renames a passkey."""
    passkeys(page, issuer)
    page.locator("a[href*='/edit/']").first.click()
    page.locator("input[name=name]").wait_for()


def second_step(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks for the second factor after the password."""
    name = passkey_added(page, issuer)
    page.context.clear_cookies()
    page.goto(f"{issuer.url}/accounts/login/")
    _log_in(page, name)
