"""Each page in `page_list`, checked in light and dark colours. The tests check for each page:

- axe-core reports no violation that it rates serious or critical.
- The page causes neither an error in the console nor a request to another host.
- At a width of 360 pixels, and at 200 % zoom, nothing is wider than the window (WCAG 2.2, 1.4.10). With this zoom, a
  CSS pixel has two device pixels, so a window of 1280 pixels has 640 CSS pixels.
- Each control can be reached by the Tab key, and the focus is visible.

If SCREENSHOTS names a folder, the tests also save pictures there (`make screenshots`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.page_list import PAGES, Listed
from tests.browser.user import CALLBACK, Issuer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-pages")]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
ZOOMED = {"width": DESKTOP["width"] // 2, "height": DESKTOP["height"] // 2, "deviceScaleFactor": 2, "mobile": False}
SEVERE = {"serious", "critical"}
EXPECTED_ERRORS = ("Failed to load resource: the server responded with a status of 4",)
"""What chromium writes to the console about each page with a status of 4xx."""
CONTROLS = "a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex='0']"
WATCH_FOCUS = """controls => {
const group = control => [...document.getElementsByName(control.name)].filter(other => other.form === control.form);
const stop = control => control.type !== 'radio' ||
    control === (group(control).find(other => other.checked) ?? group(control)[0]);
window.controls = [...document.querySelectorAll(controls)].filter(
    control => !control.disabled && control.checkVisibility({visibilityProperty: true}) && stop(control));
window.seen = new Map();
document.addEventListener('focusin', event => {
    const style = getComputedStyle(event.target);
    window.seen.set(event.target, style.outlineStyle !== 'none' && style.outlineWidth !== '0px');
});
return window.controls.length }"""
"""Returns the number of controls that the Tab key must reach, and notes which get the focus, and if it is visible.

Of radio buttons with one name, the Tab key reaches the chosen one, or the first.
"""
MISSED = "window.controls.filter(control => !window.seen.get(control)).map(control => control.outerHTML.slice(0, 200))"
FURTHER_STOPS = 40
"""The most stops of the Tab key that are no control of their own, such as the parts of a date."""


class Watch:
    """Collects the page's errors in the console, and its requests to foreign hosts.

    `own` are the URLs of the hosts that are not foreign.
    """

    def __init__(self, page: Page, *own: str) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "request", lambda request: None if self._is_known(request.url, own) else self.foreign.append(request.url)
        )

    @staticmethod
    def _is_known(url: str, own: tuple[str, ...]) -> bool:
        return url.startswith(
            (*(f"{host}/" for host in own), CALLBACK, "data:")
        )  # the callback is where Allow leads on purpose

    def unexpected(self) -> list[str]:
        """Return the errors in the console, except those about a status 4xx or about the redirect URI `CALLBACK`."""
        return [error for error in self.errors if not error.startswith(EXPECTED_ERRORS) and CALLBACK not in error]


def violations(page: Page) -> list[str]:
    """Return the serious and critical violations that axe-core finds on the page.

    First waits for the page's animations to end. For example, links change their colour slowly.
    """
    page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished))")
    # Without `preload` axe-core does not fetch style sheets itself, which the page's policy refuses.
    entries = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{entry['id']}: {entry['nodes'][0]['html']}" for entry in entries if entry["impact"] in SEVERE]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the window, as soon as its style sheets are loaded."""
    page.wait_for_load_state()
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def picture(page: Page, name: str) -> None:
    """Save a picture of the page as `name`, if the environment variable SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=f"{folder}/{name}.png", full_page=True, animations="disabled")


@contextmanager
def zoomed(page: Page) -> Iterator[None]:
    """Zoom the page to 200 % while the block runs, in a window of the size DESKTOP."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setDeviceMetricsOverride", ZOOMED)
    assert page.evaluate("[innerWidth, devicePixelRatio]") == [ZOOMED["width"], ZOOMED["deviceScaleFactor"]]
    yield
    session.send("Emulation.clearDeviceMetricsOverride")
    session.detach()


def wrong(page: Page, *window: object) -> list[object]:
    """Return the page's faults: violations of axe-core's rules, and how much too wide the page is.

    Each fault is a tuple. It begins with the words in `window`, which describe the current window.
    """
    wide = overflow(page)
    return [(*window, problem) for problem in [*violations(page), *([f"{wide} px too wide"] if wide else [])]]


def watched(page: Page, issuer: Issuer, listed: Listed) -> Watch:
    """Return a `Watch` of the page. Requests to the issuer are not foreign.

    If the page is one of the example application, requests to the application are not foreign either.
    """
    return Watch(page, issuer.url, issuer.where.url("webapp") if listed.is_example else issuer.url)


@pytest.mark.parametrize("listed", PAGES, ids=[listed.name for listed in PAGES])
def test_a_page_is_accessible_fits_and_asks_no_other_host(chromium: Browser, issuer: Issuer, listed: Listed) -> None:
    page = chromium.new_context(viewport=DESKTOP).new_page()  # type: ignore[arg-type]
    watch = watched(page, issuer, listed)
    listed.reach(page, issuer)
    assert_keyboard(page)
    problems = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        problems += wrong(page, scheme, "desktop")
        picture(page, f"{listed.name}-{scheme}")
        with zoomed(page):
            problems += wrong(page, scheme, "zoomed")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        problems += wrong(page, scheme, "phone")
        if scheme == "light":
            picture(page, f"{listed.name}-phone")
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    assert (problems, watch.unexpected(), watch.foreign) == ([], [], [])


def assert_keyboard(page: Page) -> None:
    """Assert that the page has a language and one `h1`, and that Tab reaches each control with a visible focus."""
    assert page.locator("html").get_attribute("lang")
    assert page.locator("h1").count() == 1
    assert missed_by_keyboard(page) == []


def missed_by_keyboard(page: Page) -> list[str]:
    """Press Tab through the page. Return the controls that it does not reach, or on which the focus is invisible."""
    most = page.evaluate(WATCH_FOCUS, CONTROLS) + FURTHER_STOPS
    for number in range(1, most + 1):  # behind the last control the focus leaves the page, and comes back to the first
        page.keyboard.press("Tab")
        if number > most - FURTHER_STOPS and not page.evaluate(MISSED):
            return []
    return list(page.evaluate(MISSED))


@pytest.mark.parametrize("listed", PAGES, ids=[listed.name for listed in PAGES])
def test_a_german_page_fits_on_a_phone(chromium: Browser, issuer: Issuer, listed: Listed) -> None:
    page = chromium.new_context(viewport=PHONE, locale="de-DE").new_page()  # type: ignore[arg-type]
    watch = watched(page, issuer, listed)
    listed.reach(page, issuer)
    assert (page.locator("html").get_attribute("lang"), overflow(page), violations(page)) == ("de", 0, [])
    assert (watch.unexpected(), watch.foreign) == ([], [])
    picture(page, f"{listed.name}-german")


def test_the_examination_finds_what_is_wrong(chromium: Browser) -> None:
    """Check that faults are found: no label, low contrast, overflow, a control that Tab misses, no visible focus."""
    page = chromium.new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><h1>x</h1><input><p style='color:#ccc'>pale</p></main></html>"
    )
    assert [violation.partition(":")[0] for violation in violations(page)] == ["color-contrast", "label"]
    page.set_content("<p style='width:2000px'>wide</p>")
    assert overflow(page) > 0
    page.set_content("<a href=/>1</a><a href=/ tabindex=-1>2</a><a href=/ style='outline: none'>3</a><button hidden>")
    assert [control.rpartition("<")[0][-1] for control in missed_by_keyboard(page)] == ["2", "3"]
