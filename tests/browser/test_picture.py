"""The flow as a picture in chromium: it fills in by itself and by reloading, in light and dark, on a phone as well."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests.browser import screenshot
from tests.browser.test_page_list import DESKTOP, PHONE, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SEEN = ".arrow.seen"


def log_in(page: Page, system: tuple[Ports, Environments]) -> None:
    where, variables = system
    page.goto(where.url("webapp") + "/login")
    page.get_by_label("Username or e-mail").fill("demo")
    page.get_by_label("Password").fill(variables.demo["DEMO_PASSWORD"])
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Your notes")).to_be_visible()


def errors_of(context: BrowserContext) -> list[str]:
    """Return a list that collects what the pages of this context write to the console as errors."""
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
