"""The pages of the admin in light and dark colours, at 200 % zoom and at the width of a phone.

The tests check the pages of `PAGES`, each page to which the admin's start page links, and the first row of each list.
They fail if axe-core reports a serious or critical violation, or if a page is wider than the window.
"""

import pytest
from playwright.sync_api import Browser, Page

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests.browser.test_page_list import DESKTOP, PHONE, Watch, picture, wrong, zoomed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-pages")]
PAGES = (
    "/admin/",
    "/admin/password_change/",
    "/admin/tokens/client/new/web/",
    "/admin/tokens/client/new/spa/",
    "/admin/tokens/client/new/native/",
    "/admin/tokens/client/new/service/",
    "/admin/tokens/client/new/device/",
    "/admin/tokens/client/new/api/",
    "/admin/tokens/client/add/?all=1",
    "/admin/tokens/signingkey/inspect/",
)


def log_in(page: Page, url: str, password: str) -> None:
    page.goto(f"{url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/admin/")


def linked(page: Page, url: str) -> list[str]:
    """Return the paths of the admin pages to which the admin's start page links. `url` is the URL of the issuer."""
    page.goto(f"{url}/admin/")
    links = page.locator("#content a[href^='/admin/']").evaluate_all("links => links.map(a => a.pathname + a.search)")
    return sorted({str(link) for link in links})


def row(page: Page) -> str | None:
    """Return the path to which the first row of a list in the admin links.

    Returns None if the page has no list, or if the list is empty.
    """
    first = page.locator("#result_list th a").first
    return first.get_attribute("href") if first.count() else None


def examine(page: Page, path: str) -> list[object]:
    """Return the faults of the page at `path`, in light and dark colours, and at each width. Save pictures of it."""
    faults = []
    name = "-".join(["admin", *path.partition("?")[0].split("/")[2:]]).rstrip("-")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults += wrong(page, path, scheme, "desktop")
        picture(page, f"{name}-{scheme}")
        with zoomed(page):
            faults += wrong(page, path, scheme, "zoomed")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        faults += wrong(page, path, scheme, "phone")
        if scheme == "light":
            picture(page, f"{name}-phone")
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    return faults


def test_the_pages_of_the_admin_are_accessible_and_fit_a_phone(
    system: tuple[Ports, Environments], chromium: Browser
) -> None:
    where, variables = system
    url = where.url("issuer")
    page = chromium.new_context(viewport=DESKTOP).new_page()  # type: ignore[arg-type]
    watch = Watch(page, url)
    page.goto(f"{url}/admin/login/")
    faults = examine(page, "/admin/login/")
    log_in(page, url, variables.demo["ADMIN_PASSWORD"])
    paths = [*PAGES, *(path for path in linked(page, url) if path not in PAGES)]
    rows = []
    for path in paths:
        page.goto(url + path)
        faults += examine(page, path)
        rows += [first] if (first := row(page)) else []
    for path in rows:
        page.goto(url + path)
        faults += examine(page, path)
    assert {"/admin/tokens/client/", "/admin/tokens/user/", "/admin/tokens/auditevent/"} <= {*paths}
    assert len(rows) >= 5
    assert (faults, watch.unexpected(), watch.foreign) == ([], [], [])
