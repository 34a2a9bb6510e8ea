"""Functions that bring a browser to the pages of second factors, for `page_list`.

Each function creates a new user, because adding a factor changes how the user logs in.
"""

from urllib.parse import quote

from playwright.sync_api import Page

from tests.browser.steps import code
from tests.browser.user import PASSWORD, Issuer

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
"""A virtual authenticator that verifies its user."""
DISABLE = "from tokens.models import User; User.objects.filter(username={name!r}).update(is_active=False)"
DROP_PASSWORD = """
from tokens.models import User
user = User.objects.get(username={name!r})
user.set_unusable_password()
user.save()
"""


def new_user(page: Page, issuer: Issuer, path: str) -> str:
    """Create a user without a second factor, open the page at `path`, and log in as this user. Returns the username."""
    name = issuer.new_user()
    page.goto(f"{issuer.url}{path}")
    log_in(page, name)
    return name


def log_in(page: Page, name: str) -> None:
    """Fill in the login page for the user `name`, whom `new_user` has created, and submit it."""
    page.locator("#id_login").fill(name)
    page.locator("#id_password").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("button[type=submit]").click()


def confirm(page: Page) -> None:
    """Fill in the page that asks a logged-in user for the password again, and submit it."""
    page.locator("input[type=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("main form button").first.click()


def factors(page: Page, issuer: Issuer) -> None:
    """Reach the account page that lists the user's second factors."""
    new_user(page, issuer, "/accounts/2fa/")


def missing(page: Page, issuer: Issuer) -> None:
    """Reach the page that a user gets if a second factor is required and the user has none."""
    new_user(page, issuer, "/accounts/step-up/?class=phr&next=/accounts/")
    page.locator(".ways").wait_for()


def confirmation(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks a logged-in user for the password again."""
    new_user(page, issuer, "/accounts/2fa/totp/activate/")


def app(page: Page, issuer: Issuer) -> None:
    """Reach the page on which a user sets up an authenticator app."""
    confirmation(page, issuer)
    confirm(page)
    page.locator("#authenticator_secret").wait_for()


def app_wrong_code(page: Page, issuer: Issuer) -> None:
    """Reach the page on which a user sets up an authenticator app, with the error about a wrong code."""
    app(page, issuer)
    page.locator("#id_code").fill("000000")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()


def app_added(page: Page, issuer: Issuer) -> None:
    """Set up an authenticator app, and reach the page that lists the user's second factors."""
    app(page, issuer)
    page.locator("#id_code").fill(code(page.locator("#authenticator_secret").inner_text()))
    page.keyboard.press("Enter")
    page.locator(".codes").wait_for()
    page.goto(f"{issuer.url}/accounts/2fa/")


def app_removed(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks whether the authenticator app is to be removed."""
    app_added(page, issuer)
    page.locator("a[href*='/totp/deactivate/']").click()
    page.locator("main form button").wait_for()


def passkey_new(page: Page, issuer: Issuer) -> str:
    """Reach the page on which a user adds a passkey. The browser can store it. Returns the username."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    name = new_user(page, issuer, "/accounts/2fa/webauthn/add/")
    confirm(page)
    return name


def passkey_added(page: Page, issuer: Issuer) -> str:
    """Add a passkey, and reach the page that shows the recovery codes. Returns the username."""
    name = passkey_new(page, issuer)
    page.locator("main button:visible").first.click()
    page.locator(".codes").wait_for()
    return name


def factors_set_up(page: Page, issuer: Issuer) -> None:
    """Reach the page that lists the second factors of a user who has set up some."""
    passkey_added(page, issuer)
    page.goto(f"{issuer.url}/accounts/2fa/")


def new_codes(page: Page, issuer: Issuer) -> None:
    """Reach the page on which a user makes new recovery codes."""
    passkey_added(page, issuer)
    page.goto(f"{issuer.url}/accounts/2fa/recovery-codes/generate/")


def passkeys(page: Page, issuer: Issuer) -> None:
    """Reach the page that lists the user's passkeys."""
    passkey_added(page, issuer)
    page.goto(f"{issuer.url}/accounts/2fa/webauthn/")


def passkey_renamed(page: Page, issuer: Issuer) -> None:
    """Reach the page on which a user renames a passkey."""
    passkeys(page, issuer)
    page.locator("a[href*='/edit/']").first.click()
    page.locator("input[name=name]").wait_for()


def passkey_removed(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks whether a passkey is to be removed."""
    passkeys(page, issuer)
    with page.expect_navigation():
        page.locator("a[href*='/remove/']").first.click()


def second_step(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks for the second factor after a login with a password."""
    name = passkey_added(page, issuer)
    page.context.clear_cookies()
    page.goto(f"{issuer.url}/accounts/login/")
    log_in(page, name)


def passkey_confirmation(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks a logged-in user for the passkey again."""
    second_step(page, issuer)
    _use_passkey(page)
    page.goto(f"{issuer.url}/accounts/2fa/webauthn/reauthenticate/?next={quote('/accounts/2fa/')}")
    page.locator("main button:visible").first.wait_for()


def code_confirmation(page: Page, issuer: Issuer) -> None:
    """Reach the page that asks for a code of the authenticator app again."""
    second_step(page, issuer)
    _use_passkey(page)
    page.goto(f"{issuer.url}/accounts/2fa/reauthenticate/?next={quote('/accounts/2fa/')}")
    page.locator("#id_code").wait_for()


def _use_passkey(page: Page) -> None:
    with page.expect_navigation(url="**/accounts/"):
        page.locator("main button:visible").first.click()


def disabled(page: Page, issuer: Issuer) -> None:
    """Reach the page that a disabled user gets after a login with a passkey."""
    name = passkey_added(page, issuer)
    issuer.run(DISABLE.format(name=name))
    page.context.clear_cookies()
    page.goto(f"{issuer.url}/accounts/2fa/webauthn/login/")
    page.locator("main button:visible").first.click()
    page.locator("p[role=alert]:visible").wait_for()


def first_password(page: Page, issuer: Issuer) -> None:
    """Reach the page on which a user who has no password sets one."""
    name = passkey_added(page, issuer)
    issuer.run(DROP_PASSWORD.format(name=name))
    page.context.clear_cookies()
    page.goto(f"{issuer.url}/accounts/2fa/webauthn/login/")
    _use_passkey(page)
    page.goto(f"{issuer.url}/accounts/password/set/")
    page.locator("main button:visible").first.click()  # confirms by the passkey
    page.locator("input[type=password]").first.wait_for()
