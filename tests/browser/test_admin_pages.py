"""The pages of the admin with axe-core, and at the width of a phone.

axe-core may report no violation that it calls serious or critical, and no page is wider than the window.
"""

import pytest
from playwright.sync_api import Browser, Page

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests.browser.test_page_list import DESKTOP, PHONE, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PAGES = (
    "/admin/",
    "/admin/tokens/auditevent/",
    "/admin/tokens/user/",
    "/admin/tokens/client/",
    "/admin/tokens/client/new/",
    "/admin/tokens/client/new/web/",
    "/admin/tokens/client/add/?all=1",
    "/admin/tokens/signingkey/inspect/",
    "/admin/tokens/api/",
    "/admin/tokens/usergrant/",
)
LISTS = ("/admin/tokens/ring/", "/admin/tokens/client/", "/admin/tokens/auditevent/")
"""Lists whose first row is opened."""


def log_in(page: Page, url: str, password: str) -> None:
    page.goto(f"{url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/admin/")


def rows(page: Page, url: str) -> list[str]:
    """Return the address of the first row of each list."""
    found = []
    for path in LISTS:
        page.goto(url + path)
        found.append(page.locator("#result_list th a").first.get_attribute("href") or "")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_the_admin_are_accessible_and_fit_a_phone(
    system: tuple[Ports, Environments], chromium: Browser, scheme: str
) -> None:
    where, variables = system
    url = where.url("issuer")
    page = chromium.new_page(color_scheme="dark" if scheme == "dark" else "light", viewport=DESKTOP)
    log_in(page, url, variables.demo["ADMIN_PASSWORD"])
    wrong = []
    for path in (*PAGES, *rows(page, url)):
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            page.goto(url + path)
            wrong += [(path, size["width"], problem) for problem in violations(page)]
            wrong += [(path, size["width"], f"{wide} px too wide")] if (wide := overflow(page)) > 0 else []
    page.context.close()
    assert wrong == []
