"""The picture of the flow (page /flow/ of the example application) in chromium.

A script updates the picture. Without JavaScript, the user reloads the page. The tests use light and dark colours, and
the width of a phone.
"""

import json
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from examples.webapp.picture.steps import ARROWS
from project.launch.environment import Environments
from project.launch.ports import Ports
from tests import manage_process
from tests.browser import application_session, screenshot
from tests.browser.test_page_list import DESKTOP, PHONE, overflow, violations
from tests.flow.test_picture import MINT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SEEN = ".arrow.seen"
BUTTONS = {
    "Nothing wrong": "The API accepted the token: 200",
    "Wrong scope": "refused at check 9",
    "Expired": "The API accepted the token: 200",  # until the token expires, in five minutes
    "Tampered": "refused at check 6",
    "Unknown kid": "refused at check 5",
    "Revoked": "refused at check 8",
}
"""What the picture says after each button."""
LONGEST_SWITCH = 60
"""Seconds. With the timings of development, a planned switch happens after at most 20 s (`propagation`)."""


def log_in(page: Page, system: tuple[Ports, Environments]) -> None:
    where, variables = system
    page.goto(where.url("webapp") + "/login")
    page.get_by_label("Username or e-mail").fill("demo")
    page.get_by_label("Password").fill(variables.demo["DEMO_PASSWORD"])
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Your notes")).to_be_visible()


def errors_of(context: BrowserContext) -> list[str]:
    """Return a list that collects the errors which pages of this browser context write to the console."""
    errors: list[str] = []
    context.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    return errors


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_fills_in_without_a_reload_and_fits_a_phone(
    chromium: Browser, system: tuple[Ports, Environments], scheme: str
) -> None:
    context = chromium.new_context(viewport=DESKTOP, color_scheme=scheme)  # type: ignore[arg-type]
    errors, picture, other = errors_of(context), context.new_page(), context.new_page()
    policy = picture.goto(system[0].url("webapp") + "/flow/")
    assert policy
    assert "script-src 'self';" in policy.headers["content-security-policy"]
    assert "unsafe" not in policy.headers["content-security-policy"]
    expect(picture.locator(SEEN)).to_have_count(0)
    log_in(other, system)
    expect(picture.locator(SEEN)).to_have_count(9)
    picture.locator("#arrow-keys").click()
    expect(picture.locator("pre.lit")).to_have_count(1)
    picture.get_by_role("button", name="Tampered").click()
    expect(picture.get_by_role("status")).to_contain_text("refused at check 6")
    for viewport in (DESKTOP, PHONE):
        picture.set_viewport_size(viewport)  # type: ignore[arg-type]
        assert (violations(picture), overflow(picture)) == ([], 0)
        screenshot(picture, f"flow-{'phone' if viewport is PHONE else 'desktop'}-{scheme}")
    assert errors == []
    context.close()


def test_the_picture_works_without_javascript_by_reloading(
    chromium: Browser, system: tuple[Ports, Environments]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, system)
    page.goto(system[0].url("webapp") + "/flow/")
    expect(page.locator(SEEN)).to_have_count(9)
    page.locator("#arrow-sign").click()
    expect(page.get_by_text(re.compile('"typ": "at\\+jwt"'))).to_be_visible()
    page.get_by_role("button", name="Unknown kid").click()
    expect(page.get_by_role("status")).to_contain_text("refused at check 5")
    page.reload()
    expect(page.locator(".arrow.refused")).to_have_count(1)
    context.close()


def test_each_arrow_opens_its_request_and_response_without_secrets(
    page: Page, system: tuple[Ports, Environments]
) -> None:
    log_in(page, system)
    page.goto(system[0].url("webapp") + "/flow/")
    for arrow in ARROWS:
        page.locator(f"#arrow-{arrow.name}").click()
        expect(page.locator("#exchange-title")).to_contain_text(arrow.text)
        assert page.locator("#exchange pre").count() >= 2
        shown = page.content()
        assert system[1].demo["WEBAPP_CLIENT_SECRET"] not in shown
        assert not re.search(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20}", shown), "a whole token"


def test_each_button_shows_the_check_that_refuses(page: Page, system: tuple[Ports, Environments]) -> None:
    log_in(page, system)
    page.goto(system[0].url("webapp") + "/flow/")
    for name, result in BUTTONS.items():
        for _ in range(30):  # the API learns of a revocation at its next poll, every 2 seconds
            page.get_by_role("button", name=name).click()
            page.wait_for_url("**/flow/?arrow=decide")
            if name != "Revoked" or result in page.get_by_role("status").inner_text():
                break
            page.wait_for_timeout(500)
        expect(page.get_by_role("status")).to_contain_text(result)


def test_an_expired_token_is_refused_at_check_7(page: Page, system: tuple[Ports, Environments]) -> None:
    """The picture shows that check 7 refuses an expired token.

    The test signs an expired token with the issuer's key, so that it does not have to wait until a token expires.
    """
    where, variables = system
    log_in(page, system)
    code = MINT.format(issuer=where.url("issuer"), audience=variables.webapp["API_AUDIENCE"])
    expired = manage_process.command(variables.issuer, "shell", "-v", "0", "-c", code).strip()
    application_session.change(page.context, variables, access_token=expired, expires_at=1)
    page.goto(where.url("webapp") + "/flow/")
    page.get_by_role("button", name="Expired").click()
    expect(page.get_by_role("status")).to_contain_text("refused at check 7")
    expect(page.get_by_role("status")).to_contain_text("The token has expired")
    expect(page.locator(".checks [data-state=refused]")).to_have_count(1)


def lit_kid(page: Page, application: str) -> str:
    """Return the kid of the key that the picture highlights as the one that signed the token."""
    page.goto(f"{application}/flow/?arrow=keys")
    return str(json.loads(page.locator("pre.lit").inner_text())["kid"])


def test_after_a_rotation_in_the_admin_the_picture_shows_another_key(
    page: Page, chromium: Browser, system: tuple[Ports, Environments]
) -> None:
    where, variables = system
    application, operator = where.url("webapp"), chromium.new_context().new_page()
    log_in(page, system)
    old = lit_kid(page, application)
    operator.goto(page.get_by_role("link", name="Rotate now").get_attribute("href") or "")
    operator.get_by_label("Username").fill("admin")
    operator.get_by_label("Password").fill(variables.demo["ADMIN_PASSWORD"])
    operator.keyboard.press("Enter")
    operator.get_by_role("link", name="default").click()
    signing = operator.locator("table.keys tr", has_text="signing").get_by_role("link").first
    expect(signing).to_be_visible()
    ring = operator.url
    operator.get_by_role("link", name="Rotate now (safely)").click()
    plan = operator.get_by_role("button", name="Plan the switch")
    expect(plan.or_(operator.get_by_text("already planned"))).to_be_visible()  # by another test
    if plan.is_visible():
        plan.click()
        expect(operator.locator(".messagelist")).to_be_visible()

    for _ in range(LONGEST_SWITCH):
        operator.goto(ring)
        if signing.inner_text() != old:
            break
        operator.wait_for_timeout(1000)
    new = signing.inner_text()
    assert new != old, f"the switch did not happen within {LONGEST_SWITCH} s"

    page.goto(f"{application}/login")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Your notes")).to_be_visible()
    assert lit_kid(page, application) == new
