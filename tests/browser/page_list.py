"""The HTML pages that `test_page_list.py` examines, and of which `make screenshots` takes pictures.

To add a page, append an entry to `PAGES`. Its function `reach` gets a tab (a Page of Playwright) of a browser without
cookies, and the running issuer. It must bring the tab to the page.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser import application_session, factor_pages, mail_pages
from tests.browser.user import Issuer


@dataclass(frozen=True, slots=True)
class Listed:
    """An HTML page to examine.

    `name` is also the file name of its picture. `reach` brings a tab to the page.
    """

    name: str
    reach: Callable[[Page, Issuer], None]
    is_example: bool = False
    """True for a page of the example application, which has an origin of its own."""


def _open(path: str) -> Callable[[Page, Issuer], None]:
    """Return a function that opens the issuer's page at `path`, which needs no login."""
    return lambda page, issuer: page.goto(issuer.url + path) and None


def _logged_in(path: str) -> Callable[[Page, Issuer], None]:
    """Return a function that logs in and opens the page at `path`, which needs a login."""
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


def _consent_of_document_client(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, issuer.request(issuer.document_client(), prompt="consent"))


def _consent_of_self_registered_client(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, issuer.request(issuer.self_registered_client(), prompt="consent"))


def _everywhere_done(page: Page, issuer: Issuer) -> None:
    """Reach the page that confirms a logout from all sessions.

    The user is a new one, so that no other test's user is logged out.
    """
    factor_pages.new_user(page, issuer, "/accounts/everywhere/")
    page.locator("main form button").click()
    page.locator("main form").wait_for(state="detached")


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


def _device_refused(page: Page, issuer: Issuer) -> None:
    _device_typed(page, issuer)
    page.locator("button[name=allow][value=false]").click()
    page.locator("button[name=allow]").first.wait_for(state="detached")


def _logged_out(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, "/oauth/logout")
    page.locator("button[name=log_out]").click()
    page.locator("button[name=log_out]").wait_for(state="detached")


def _stale_form(page: Page, issuer: Issuer) -> None:
    """Reach the error page for a form without the CSRF cookie."""
    issuer.log_in(page, "/oauth/device/verify")
    page.context.clear_cookies(name="issuer_csrf")
    page.locator("#user_code").fill("BBBB-BBBB")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()


def _login_failed(page: Page, issuer: Issuer) -> None:
    page.goto(f"{issuer.url}/accounts/login/")
    page.locator("#id_login").fill("demo")
    page.locator("#id_password").fill("wrong")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()


def _device_linked(page: Page, issuer: Issuer) -> None:
    issuer.log_in(page, issuer.device()["verification_uri_complete"])
    page.locator("main form button").first.wait_for()


def _answer_form(page: Page, issuer: Issuer) -> None:
    """Reach the page that sends the authorization response to the client in a form (form_post).

    The page stays open, because its script is prevented from sending the form.
    """
    issuer.log_in(page, issuer.request("Quarterly Reports", prompt="consent", response_mode="form_post"))
    page.add_init_script("HTMLFormElement.prototype.submit = () => {}")
    with page.expect_navigation():
        page.locator("button[name=allow][value=true]").click()


def _email(page: Page, issuer: Issuer) -> None:
    factor_pages.new_user(page, issuer, "/accounts/email/")
    factor_pages.confirm(page)
    page.locator("#id_email").wait_for()


def _application(path: str) -> Callable[[Page, Issuer], None]:
    """Return a function that opens the example application's page at `path`, which needs no login."""
    return lambda page, issuer: page.goto(issuer.where.url("webapp") + path) and None


def _notes(page: Page, issuer: Issuer) -> None:
    page.goto(issuer.where.url("webapp") + "/login")
    issuer.fill_in(page)
    if page.locator("button[name=allow]").count():  # consent is remembered
        page.locator("button[name=allow][value=true]").click()
    page.locator("#title").wait_for()


def _flow_seen(page: Page, issuer: Issuer) -> None:
    _notes(page, issuer)
    page.goto(issuer.where.url("webapp") + "/flow/")
    page.locator(".arrow.seen").first.wait_for()
    with page.expect_navigation():
        page.locator("#arrow-sign").click()


def _exported(page: Page, issuer: Issuer) -> None:
    """Reach the page of the example application that requires a passkey (step-up).

    The user logs in with a recovery code first, and then uses the passkey.
    """
    name = factor_pages.passkey_added(page, issuer)
    recovery_code = page.locator(".codes code").first.inner_text()
    page.context.clear_cookies()
    page.goto(issuer.where.url("webapp") + "/login")
    factor_pages.log_in(page, name)
    page.locator("#id_code").fill(recovery_code)
    page.keyboard.press("Enter")
    page.locator("button[name=allow][value=true]").click()
    page.locator("#title").wait_for()
    with page.expect_navigation():
        page.locator("a[href$=export]").click()
    page.locator("main button:visible").first.click()  # uses the passkey
    page.locator("button[name=allow][value=true]").click()
    page.locator("main pre").wait_for()


def _logged_out_here(page: Page, issuer: Issuer) -> None:
    """Reach the page that the example application shows if the issuer refuses to revoke the token at a logout."""
    _notes(page, issuer)
    application_session.change(page.context, issuer.variables, refresh_token="\x01")  # the issuer answers 400
    page.locator("header button").click()
    page.locator("main [role=alert]").wait_for()


PAGES = (
    Listed("login", _open("/accounts/login/")),
    Listed("login-failed", _login_failed),
    Listed("account-visitor", _open("/accounts/")),
    Listed("account", _logged_in("/accounts/")),
    Listed("sessions", _sessions),
    Listed("applications", _applications),
    Listed("everywhere", _logged_in("/accounts/everywhere/")),
    Listed("everywhere-done", _everywhere_done),
    Listed("consent", _consent),
    Listed("consent-document-client", _consent_of_document_client),
    Listed("consent-self-registered-client", _consent_of_self_registered_client),
    Listed("answer-by-form", _answer_form),
    Listed("refused-request", _open("/oauth/authorize?client_id=nobody")),
    Listed("device", _logged_in("/oauth/device/verify")),
    Listed("device-linked", _device_linked),
    Listed("device-question", _device_typed),
    Listed("device-unknown-code", _device_wrong),
    Listed("device-connected", _device_done),
    Listed("device-refused", _device_refused),
    Listed("logout", _logged_in("/oauth/logout")),
    Listed("logged-out", _logged_out),
    Listed("account-logout", _logged_in("/accounts/logout/")),
    Listed("stale-form", _stale_form),
    Listed("password-reset", _open("/accounts/password/reset/")),
    Listed("password-reset-sent", mail_pages.reset_sent),
    Listed("password-reset-new", mail_pages.new_password),
    Listed("password-reset-link-used", _open("/accounts/password/reset/key/1-x/")),
    Listed("password-changed", _open("/accounts/password/changed/")),
    Listed("password-first", factor_pages.first_password),
    Listed("please-wait", mail_pages.too_much_mail),
    Listed("sign-up", _open("/accounts/signup/")),
    Listed("sign-up-password", mail_pages.signed_up),
    Listed("sign-up-link-used", _open("/accounts/signup/x/")),
    Listed("password-change", _logged_in("/accounts/password/change/")),
    Listed("email", _email),
    Listed("email-sent", _open("/accounts/email/sent/")),
    Listed("email-confirm", mail_pages.address_changed),
    Listed("email-confirmed", mail_pages.address_verified),
    Listed("passkey-login", _open("/accounts/2fa/webauthn/login/")),
    Listed("factors-none", factor_pages.factors),
    Listed("factors", factor_pages.factors_set_up),
    Listed("factors-app", factor_pages.app_added),
    Listed("factor-missing", factor_pages.missing),
    Listed("confirm-password", factor_pages.confirmation),
    Listed("confirm-passkey", factor_pages.passkey_confirmation),
    Listed("confirm-code", factor_pages.code_confirmation),
    Listed("app-set-up", factor_pages.app),
    Listed("app-wrong-code", factor_pages.app_wrong_code),
    Listed("app-remove", factor_pages.app_removed),
    Listed("recovery-codes", lambda page, issuer: factor_pages.passkey_added(page, issuer) and None),
    Listed("recovery-codes-new", factor_pages.new_codes),
    Listed("passkey-add", lambda page, issuer: factor_pages.passkey_new(page, issuer) and None),
    Listed("passkeys", factor_pages.passkeys),
    Listed("passkey-rename", factor_pages.passkey_renamed),
    Listed("passkey-remove", factor_pages.passkey_removed),
    Listed("second-step", factor_pages.second_step),
    Listed("account-disabled", factor_pages.disabled),
    Listed("application", _application("/"), is_example=True),
    Listed("application-failure", _application("/callback?error=access_denied&state=x"), is_example=True),
    Listed("application-notes", _notes, is_example=True),
    Listed("application-export", _exported, is_example=True),
    Listed("application-logged-out", _logged_out_here, is_example=True),
    Listed("flow", _application("/flow/"), is_example=True),
    Listed("flow-seen", _flow_seen, is_example=True),
)
