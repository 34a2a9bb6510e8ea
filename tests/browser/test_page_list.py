"""Each page of `page_list`: axe-core, the console, requests to other hosts, and the width, in light and dark.

- axe-core may report no violation that it calls serious or critical.
- At 360 pixels, and at 640 (1280 pixels with 200 % zoom), nothing is wider than the window (WCAG 2.2, 1.4.10).
- Each control can be reached by the Tab key, and the focus is visible.
- `make screenshots` keeps pictures: SCREENSHOTS names the folder.
"""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.page_list import PAGES, Listed
from tests.browser.user import CALLBACK, Issuer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ISSUER_PAGES = [one for one in PAGES if not one.is_example]
DESKTOP, ZOOMED, PHONE = {"width": 1280, "height": 900}, {"width": 640, "height": 450}, {"width": 360, "height": 740}
SEVERE = {"serious", "critical"}
EXPECTED_ERRORS = ("Failed to load resource: the server responded with a status of 4",)
"""What chromium writes to the console about each page with a status of 4xx."""
FOCUSED = """controls => { const one = document.activeElement; const style = getComputedStyle(one);
return [[...document.querySelectorAll(controls)].indexOf(one),
        style.outlineStyle !== 'none' && style.outlineWidth !== '0px'] }"""
"""Returns the number of the control that has the focus, and whether the focus is visible."""
CONTROLS = "a[href], button, summary, input:not([type=hidden]), select, textarea"


class Watch:
    """Collects what a page must not do: errors in the console, and requests to other hosts."""

    def __init__(self, page: Page, own: str) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "request", lambda request: None if self._is_known(request.url, own) else self.foreign.append(request.url)
        )

    @staticmethod
    def _is_known(url: str, own: str) -> bool:
        return url.startswith((f"{own}/", CALLBACK, "data:"))  # the callback is where Allow leads on purpose

    def unexpected(self) -> list[str]:
        """Return the errors of the console except those about a status that the page is for."""
        return [error for error in self.errors if not error.startswith(EXPECTED_ERRORS) and CALLBACK not in error]


def violations(page: Page) -> list[str]:
    """Return what axe-core finds on the page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in SEVERE]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def picture(page: Page, name: str) -> None:
    """Save a picture of the page if SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=f"{folder}/{name}.png", full_page=True, animations="disabled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("listed", PAGES, ids=[one.name for one in PAGES])
def test_a_page_is_accessible_fits_and_asks_no_other_host(
    chromium: Browser, issuer: Issuer, listed: Listed, scheme: str
) -> None:
    context = chromium.new_context(viewport=DESKTOP, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    watch = Watch(page, issuer.where.url("webapp") if listed.is_example else issuer.url)
    listed.reach(page, issuer)
    for viewport in (DESKTOP, ZOOMED, PHONE):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        assert (viewport["width"], violations(page), overflow(page)) == (viewport["width"], [], 0)
        if viewport is not ZOOMED and (viewport is DESKTOP or scheme == "light"):
            picture(page, f"{listed.name}-{'phone' if viewport is PHONE else scheme}")
    assert (watch.unexpected(), watch.foreign) == ([], [])
    context.close()


@pytest.mark.parametrize("listed", PAGES, ids=[one.name for one in PAGES])
def test_a_page_has_a_language_one_heading_and_controls_for_the_keyboard(
    chromium: Browser, issuer: Issuer, listed: Listed
) -> None:
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    listed.reach(page, issuer)
    assert page.locator("html").get_attribute("lang")
    assert page.locator("h1").count() == 1
    count, visible = page.locator(CONTROLS).count(), dict[int, bool]()
    for _ in range(count + 2):  # behind the last control the focus leaves the page, and comes back to the first
        page.keyboard.press("Tab")
        number, is_visible = page.evaluate(FOCUSED, CONTROLS)
        visible[number] = is_visible
    assert dict.fromkeys(range(count), True) == {one: seen for one, seen in visible.items() if one >= 0}
    context.close()


@pytest.mark.parametrize("listed", ISSUER_PAGES, ids=[one.name for one in ISSUER_PAGES])
def test_a_german_page_fits_on_a_phone(chromium: Browser, issuer: Issuer, listed: Listed) -> None:
    context = chromium.new_context(viewport=PHONE, locale="de-DE")  # type: ignore[arg-type]
    page = context.new_page()
    listed.reach(page, issuer)
    assert (page.locator("html").get_attribute("lang"), overflow(page), violations(page)) == ("de", 0, [])
    picture(page, f"{listed.name}-german")
    context.close()


def test_axe_finds_what_is_wrong(chromium: Browser, issuer: Issuer) -> None:
    """The examination can fail: a field without a label, and text without contrast."""
    page = chromium.new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><h1>x</h1><input><p style='color:#ccc'>pale</p></main></html>"
    )
    assert [one.partition(":")[0] for one in violations(page)] == ["color-contrast", "label"]
    page.set_content("<p style='width:2000px'>wide</p>")
    assert overflow(page) > 0
    page.context.close()
