"""The pages that `test_page_list.py` examines and `make screenshots` pictures. Append a page as an entry of `PAGES`.

`reach` brings a new, empty browser to the page. It gets the page and the running issuer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser import factor_pages
from tests.browser.user import Issuer


@dataclass(frozen=True, slots=True)
class Listed:
    """A page: its name, which is the file name of its picture, and the way to it."""

    name: str
    reach: Callable[[Page, Issuer], None]
    is_example: bool = False
    """True for a page of the example application, which is English."""


def _open(path: str) -> Callable[[Page, Issuer], None]:
    """Return the way to a page that any visitor can open."""
    return lambda page, issuer: page.goto(issuer.url + path) and None


def _logged_in(path: str) -> Callable[[Page, Issuer], None]:
    """Return the way to a page that needs a login."""
    return lambda page, issuer: issuer.log_in(page, path)


def _sessions(page: Page, issuer: Issuer) -> None:
    browser = page.context.browser
    assert browser
    issuer.log_in(page, "/accounts/sessions/")
    if (others := page.locator("button[value=others]")).count():  # those of the tests before
        others.click()
        page.get_by_role("status").wait_for()
    other = browser.new_context(
        user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Version/26.0 Safari/604"
    )
    issuer.log_in(other.new_page())
    other.close()
    page.goto(f"{issuer.url}/accounts/sessions/")


def _applications(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, "/accounts/sessions/")
    issuer.allow(page.context.new_page(), issuer.request("Quarterly Reports", prompt="consent"))
    page.goto(f"{issuer.url}/accounts/applications/")


def _consent(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, issuer.request("Quarterly Reports", prompt="consent"))


def _device_typed(page: Page, issuer: Issuer) -> None:
    code = issuer.device()["user_code"]
    issuer.log_in(page, "/oauth/device/verify")
    page.locator("#user_code").fill(code.lower())
    page.keyboard.press("Enter")
    page.locator("button[name=allow][value=true]").wait_for()


def _device_wrong(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, "/oauth/device/verify")
    page.locator("#user_code").fill("BBBB-BBBB")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()


def _device_done(page: Page, issuer: Issuer) -> None:
    _device_typed(page, issuer)
    page.locator("button[name=allow][value=true]").click()
    page.locator("button[name=allow]").first.wait_for(state="detached")


def _logged_out(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, "/oauth/logout")
    page.locator("button[name=log_out]").click()
    page.locator("button[name=log_out]").wait_for(state="detached")


def _stale_form(page: Page, issuer: Issuer) -> None:
    """Reach the page for a form whose CSRF token is not that of the browser's cookie."""
    issuer.log_in(page, "/oauth/device/verify")
    page.context.clear_cookies(name="issuer_csrf")
    page.locator("#user_code").fill("BBBB-BBBB")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()


PAGES = (
    Listed("login", _open("/accounts/login/")),
    Listed("account-visitor", _open("/accounts/")),
    Listed("account", _logged_in("/accounts/")),
    Listed("sessions", _sessions),
    Listed("applications", _applications),
    Listed("everywhere", _logged_in("/accounts/everywhere/")),
    Listed("consent", _consent),
    Listed("refused-request", _open("/oauth/authorize?client_id=nobody")),
    Listed("device", _logged_in("/oauth/device/verify")),
    Listed("device-question", _device_typed),
    Listed("device-unknown-code", _device_wrong),
    Listed("device-connected", _device_done),
    Listed("logout", _logged_in("/oauth/logout")),
    Listed("logged-out", _logged_out),
    Listed("account-logout", _logged_in("/accounts/logout/")),
    Listed("stale-form", _stale_form),
    Listed("password-reset", _open("/accounts/password/reset/")),
    Listed("sign-up", _open("/accounts/signup/")),
    Listed("password-change", _logged_in("/accounts/password/change/")),
    Listed("email", _logged_in("/accounts/email/")),
    Listed("passkey-login", _open("/accounts/2fa/webauthn/login/")),
    Listed("factors-none", factor_pages.factors),
    Listed("confirm-password", factor_pages.confirmation),
    Listed("app-set-up", factor_pages.app),
    Listed("recovery-codes", factor_pages.recovery_codes),
    Listed("passkeys", factor_pages.passkeys),
    Listed("passkey-rename", factor_pages.passkey_renamed),
    Listed("second-step", factor_pages.second_step),
    Listed("flow", lambda page, issuer: page.goto(issuer.where.url("webapp") + "/flow/") and None, is_example=True),
)
