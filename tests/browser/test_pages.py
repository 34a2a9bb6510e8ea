"""The issuer's pages in Debian's chromium: form submission, content security policy, and use by keyboard."""

import pytest
from playwright.sync_api import Page, Request, Route, expect

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests.browser import screenshot

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_user_logs_in_allows_the_client_and_adds_a_note(system: tuple[Ports, Environments], page: Page) -> None:
    where, variables = system
    page.goto(where.url("webapp"))
    screenshot(page, "welcome")
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Username or e-mail").fill("demo")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    screenshot(page, "login")
    page.get_by_label("Password").fill(variables.demo["DEMO_PASSWORD"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_contain_text("Example application asks for access to Notes")
    screenshot(page, "consent")
    page.get_by_role("button", name="Allow").click()
    page.get_by_label("Title").fill("Milk")
    page.get_by_label("Text").fill("Two litres")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("Two litres", exact=True)).to_be_visible()
    expect(page.get_by_text('"typ": "at+jwt"')).to_be_visible()
    screenshot(page, "notes")


def test_a_double_click_on_allow_ends_at_the_client(system: tuple[Ports, Environments], page: Page) -> None:
    where, variables = system
    clicks: list[str] = []
    locations: list[str] = []

    def answer(route: Route) -> None:
        """Send the request of the first click to the server, but give the browser no response.

        Therefore the browser is still waiting when the user clicks again. The second request is sent normally.
        """
        clicks.append(route.request.method)
        if len(clicks) == 1:
            headers = route.request.headers | {"sec-fetch-site": "same-origin"}  # chromium adds it later than this
            locations.append(route.fetch(headers=headers, max_redirects=0).headers["location"])
        else:
            route.continue_()

    page.goto(where.url("webapp"))
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Username or e-mail").fill("demo")
    page.get_by_label("Password").fill(variables.demo["DEMO_PASSWORD"])
    page.keyboard.press("Enter")
    allow = page.get_by_role("button", name="Allow")
    expect(allow).to_be_visible()
    page.route("**/oauth/authorize?*", answer)
    allow.dblclick(delay=50)
    expect(page.get_by_role("button", name="Add note")).to_be_visible()
    assert clicks == ["POST", "POST"]
    assert locations[0].startswith(f"{where.url('webapp')}/callback?code="), "the first click got a code as well"


def test_our_forms_are_accepted_although_our_pages_send_no_referrer(
    system: tuple[Ports, Environments], page: Page
) -> None:
    where, variables = system
    sent: list[tuple[str, str | None, str | None]] = []

    def note(request: Request) -> None:
        if request.url.startswith(where.url("issuer")) and not request.redirected_from:
            headers = request.all_headers()
            sent.append((request.method, headers.get("origin"), headers.get("referer")))

    page.goto(f"{where.url('issuer')}/accounts/everywhere/")
    page.on("requestfinished", note)
    page.get_by_label("Username or e-mail").fill("demo")
    page.get_by_label("Password").fill(variables.demo["DEMO_PASSWORD"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_contain_text("Log out everywhere")
    assert ("POST", "null", None) in sent
    assert {referer for _, _, referer in sent} == {None}


def test_an_administrator_registers_a_client_and_sees_its_secret_once(
    system: tuple[Ports, Environments], page: Page
) -> None:
    where, variables = system
    page.goto(f"{where.url('issuer')}/admin/tokens/client/add/?all=1")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(variables.demo["ADMIN_PASSWORD"])
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("Reports")
    page.get_by_label("Client credentials").check()
    screenshot(page, "client-form")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#client-secret")).to_be_visible()
    screenshot(page, "client-secret")
    page.get_by_role("link", name="I have copied the secret").click()
    expect(page.locator("#client-secret")).to_have_count(0)
    page.goto(f"{where.url('issuer')}/admin/tokens/signingkey/")
    expect(page.locator("td.field-phase").first).to_be_visible()
    screenshot(page, "keys")


def test_an_administrator_sees_the_ring_plans_a_switch_and_reads_the_consequences_of_a_revocation(
    system: tuple[Ports, Environments], page: Page
) -> None:
    where, variables = system
    page.goto(f"{where.url('issuer')}/admin/tokens/ring/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(variables.demo["ADMIN_PASSWORD"])
    page.keyboard.press("Enter")
    page.get_by_role("link", name="default").click()
    expect(page.get_by_role("img", name="Timeline of the keys")).to_be_visible()
    page.get_by_role("link", name="Rotate now (safely)").click()
    screenshot(page, "rotate")
    expect(page.get_by_text("planned the switch").or_(page.get_by_text("already planned"))).to_be_visible()
    if page.get_by_role("button", name="Plan the switch").is_visible():
        page.get_by_role("button", name="Plan the switch").click()
        expect(page.locator(".messagelist")).to_contain_text("Planned the switch")
    page.goto(f"{where.url('issuer')}/admin/tokens/ring/")
    page.get_by_role("link", name="default").click()
    screenshot(page, "ring")
    page.locator("table.keys tr", has_text="signing").get_by_role("link").first.click()
    page.get_by_role("link", name="Revoke…").click()
    expect(page.get_by_text("This cannot be undone")).to_be_visible()
    screenshot(page, "revoke")


def test_the_api_s_documentation_names_scopes_and_loads_only_from_the_api_and_its_issuer(
    system: tuple[Ports, Environments], page: Page
) -> None:
    where, _ = system
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(f"{where.url('api')}/api/docs/")
    expect(page.get_by_role("heading", name="Keyturn example API")).to_be_visible()
    page.locator(".opblock-summary-post").get_by_role("button", name="authorization button unlocked").click()
    screenshot(page, "api-docs-authorize")
    expect(page.get_by_text("notes:write").first).to_be_visible()
    screenshot(page, "api-docs")
    own_origins = (where.url("api"), where.url("issuer"), "data:")
    assert [url for url in requested if not url.startswith(own_origins)] == []
