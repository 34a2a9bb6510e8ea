"""Second factors in chromium: an authenticator app, passkeys of a virtual authenticator, and step-up for an API."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import application_session
from tests.browser.steps import PASSWORD, System, code, confirm_by_password, log_in, make_user, pictures
from tokens.authentication_class import MULTI_FACTOR, PHISHING_RESISTANT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def add_passkey(page: Page, name: str = "") -> None:
    """Add a passkey on the open page "Add a passkey", and wait for the page of the recovery codes.

    If `name` is set, save screenshots of the page "Add a passkey" as `name` first.
    """
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    if name:
        pictures(page, name)
    page.get_by_role("button", name="Create the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


@pytest.fixture
def device(page: Page) -> Iterator[str]:
    """Give the browser a virtual authenticator, in which it stores passkeys. Yield the authenticator's id."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield str(made["authenticatorId"])
    session.detach()


@pytest.fixture
def plain(chromium: Browser) -> Iterator[BrowserContext]:
    """Yield a browser context without JavaScript."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1000, "height": 900})
    yield context
    context.close()


def test_a_user_sets_up_an_app_without_javascript_and_logs_in_with_its_code(
    system: System, plain: BrowserContext
) -> None:
    issuer, page = system[0].url("issuer"), plain.new_page()
    make_user(system, "app")
    page.goto(f"{issuer}/accounts/2fa/")
    log_in(page, "app")
    expect(page.get_by_role("heading", name="Second factors")).to_be_visible()
    page.get_by_role("link", name="Set up an app").click()
    confirm_by_password(page)
    secret = page.locator("#authenticator_secret").inner_text()
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    page.get_by_label("Code", exact=True).fill(used := code(secret))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    recovery = page.locator(".codes code").first.inner_text()

    plain.clear_cookies()
    page.goto(f"{issuer}/accounts/login/")
    log_in(page, "app")
    expect(page.get_by_role("heading", name="Confirm your identity")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(
        used
    )  # a new one would differ on a machine that needed 30 s for the login
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("used before")
    page.get_by_label("Code", exact=True).fill(code(secret, 1))
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(f"{issuer}/accounts/")

    plain.clear_cookies()
    page.goto(f"{issuer}/accounts/login/")
    log_in(page, "app")
    page.get_by_label("Code", exact=True).fill(recovery)
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(f"{issuer}/accounts/")


def test_a_user_adds_a_passkey_and_logs_in_only_with_it(system: System, page: Page, device: str) -> None:
    issuer = system[0].url("issuer")
    make_user(system, "key")
    page.goto(f"{issuer}/accounts/2fa/")
    pictures(page, "login")
    log_in(page, "key")
    pictures(page, "factors-none")
    page.get_by_role("link", name="Add a passkey").click()
    confirm_by_password(page, "confirm-password")
    add_passkey(page, "passkey-add")
    pictures(page, "recovery-codes")
    page.goto(f"{issuer}/accounts/2fa/")
    pictures(page, "factors")
    page.get_by_role("link", name="Show passkeys").click()
    pictures(page, "passkeys")

    page.context.clear_cookies()
    page.goto(f"{issuer}/accounts/login/")
    page.get_by_role("link", name="Log in with a passkey").click()
    pictures(page, "passkey-login")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{issuer}/accounts/")
    expect(page.locator("body")).to_contain_text("key")

    page.context.clear_cookies()
    page.goto(f"{issuer}/accounts/login/")
    log_in(page, "key")
    expect(page.get_by_role("heading", name="Confirm your identity")).to_be_visible()
    pictures(page, "second-step")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{issuer}/accounts/")


def test_a_browser_without_the_passkey_says_so_and_offers_the_password(system: System, page: Page, device: str) -> None:
    page.goto(f"{system[0].url('issuer')}/accounts/2fa/webauthn/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("did not provide a passkey")
    page.get_by_role("link", name="Log in with a password").click()
    expect(page.get_by_label("Username or e-mail")).to_be_visible()


def test_an_api_that_demands_a_passkey_gets_it_through_the_application(system: System, page: Page, device: str) -> None:
    """A user who logged in with password and code gets 401 insufficient_user_authentication from the API.

    The application then sends an authorization request with acr_values, the user uses a passkey, and the API answers
    200.
    """
    issuer, application = system[0].url("issuer"), system[0].url("webapp")
    make_user(system, "steps")
    page.goto(f"{issuer}/accounts/2fa/webauthn/add/")
    log_in(page, "steps")
    confirm_by_password(page)
    add_passkey(page)
    page.goto(f"{issuer}/accounts/2fa/totp/activate/")
    secret = page.locator("#authenticator_secret").inner_text()
    page.get_by_label("Code", exact=True).fill(code(secret))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Second factors")).to_be_visible()
    page.context.clear_cookies()

    page.goto(application)
    page.get_by_role("link", name="Log in").click()
    log_in(page, "steps")
    page.get_by_label("Code", exact=True).fill(code(secret, 1))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text(f'"acr": "{MULTI_FACTOR}"')).to_be_visible()

    with page.expect_request(lambda request: "/oauth/authorize?" in request.url) as redirect:
        page.get_by_role("link", name="Export all notes").click()
    assert parse_qs(urlsplit(redirect.value.url).query)["acr_values"] == [PHISHING_RESISTANT]
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("The API answered 200")).to_contain_text("phr")
    assert urlsplit(page.url).path == "/export"
    first = page.get_by_text("The API first answered 401")
    expect(first).to_contain_text('error="insufficient_user_authentication"')
    expect(first).to_contain_text(f'acr_values="{PHISHING_RESISTANT}"')
    assert not re.search(r"eyJ[\w-]+\.", page.content()), "a token"

    page.reload()
    expect(page.get_by_text("The API answered 200")).to_be_visible()
    expect(first).to_have_count(0)


def test_the_application_escapes_the_challenge_of_an_api(system: System, chromium: Browser) -> None:
    page = chromium.new_page()  # not the fixture: chromium writes the answer 401 to the console
    page.goto(f"{system[0].url('webapp')}/login")
    log_in(page, "demo", system[1].demo["DEMO_PASSWORD"])
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Your notes")).to_be_visible()
    challenge = 'Bearer realm="<b>bold</b>"'
    first = {"status": 401, "challenge": challenge, "needed": PHISHING_RESISTANT}
    application_session.change(page.context, system[1], first_answer=first)
    page.goto(f"{system[0].url('webapp')}/export")
    expect(page.get_by_text("The API first answered 401")).to_contain_text(challenge)
    expect(page.get_by_role("alert")).to_contain_text("The API answered 401")


def test_an_application_leads_a_user_without_a_passkey_to_setting_one_up(
    system: System, page: Page, device: str
) -> None:
    application = system[0].url("webapp")
    make_user(system, "new")
    page.goto(application)
    page.get_by_role("link", name="Log in").click()
    log_in(page, "new")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text('"acr": "urn:keyturn:acr:password"')).to_be_visible()
    page.get_by_role("link", name="Export all notes").click()
    expect(page.get_by_role("heading", name="A second factor is required")).to_be_visible()
    pictures(page, "factor-missing")
    page.get_by_role("link", name="Add a passkey").click()
    confirm_by_password(page)
    add_passkey(page)
    page.get_by_role("link", name="Continue where you left off").click()
    if page.get_by_role("button", name="Allow").count():
        page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("The API answered 200")).to_contain_text("phr")
    pictures(page, "webapp-export")


def test_an_administrator_who_needs_a_factor_sets_one_up_before_the_admin_opens(
    system: System, page: Page, device: str
) -> None:
    issuer = system[0].url("issuer")
    make_user(system, "guarded", guarded=True)
    page.goto(f"{issuer}/admin/")
    page.get_by_label("Username").fill("guarded")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    log_in(page, "guarded")  # the issuer's page: the admin's own asks for no factor
    expect(page.get_by_role("heading", name="A second factor is required")).to_be_visible()
    page.goto(f"{issuer}/admin/tokens/client/")
    expect(page.get_by_role("heading", name="A second factor is required")).to_be_visible()
    page.get_by_role("link", name="Set up an authenticator app").click()
    confirm_by_password(page)
    pictures(page, "app-set-up")
    page.get_by_label("Code", exact=True).fill(code(page.locator("#authenticator_secret").inner_text()))
    page.get_by_role("button", name="Set up").click()
    page.get_by_role("link", name="Continue where you left off").click()
    expect(page).to_have_url(f"{issuer}/admin/tokens/client/")
    expect(page.get_by_role("heading", name="Select client to change")).to_be_visible()


def test_too_many_codes_lock_the_second_step(system: System, chromium: Browser) -> None:
    issuer = system[0].url("issuer")
    page = chromium.new_page()  # not the fixture: chromium writes the answer 429 to the console
    make_user(system, "locked")
    page.goto(f"{issuer}/accounts/2fa/totp/activate/")
    log_in(page, "locked")
    confirm_by_password(page)
    secret = page.locator("#authenticator_secret").inner_text()
    page.get_by_label("Code", exact=True).fill(code(secret))
    page.get_by_role("button", name="Set up").click()
    page.context.clear_cookies()
    page.goto(f"{issuer}/accounts/login/")
    page.get_by_label("Username or e-mail").fill("locked")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    log_in(page, "locked")
    for _ in range(20):
        if page.get_by_role("heading", name="Please wait").count():
            break
        page.get_by_label("Code", exact=True).fill("000000")
        page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Please wait")).to_be_visible()
    pictures(page, "please-wait")
