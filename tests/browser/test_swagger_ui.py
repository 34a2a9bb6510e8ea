"""A login through Swagger UI in chromium: on the API's own page, and in a project with drf-spectacular."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests import manage_process
from tests.browser import screenshot
from tests.ports import free
from tokens.recipes import catalog

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ROOT = Path(__file__).resolve().parent.parent.parent
SIDECAR = "/static/drf_spectacular_sidecar/swagger-ui-dist"


def authorize(page: Page, variables: Environments, *, scopes: int = 0) -> Page:
    """Open Swagger UI's login dialog, select its first `scopes` scopes, and log in as the demo user in the popup.

    Returns the popup.
    """
    page.locator(".auth-wrapper .authorize").first.click()
    dialog = page.locator(".dialog-ux")
    expect(dialog.get_by_role("heading", name="(OAuth2, ")).to_have_count(1)
    expect(dialog.get_by_role("heading", name="authorizationCode with PKCE")).to_be_visible()
    for box in dialog.locator(".scopes .checkbox label").all()[:scopes]:
        box.click()
    screenshot(page, "swagger-authorize")
    with page.expect_popup() as opened:
        dialog.get_by_role("button", name="Apply given OAuth2 credentials").click()
    popup = opened.value
    popup.get_by_label("Username or e-mail").fill("demo")
    popup.get_by_label("Password").fill(variables.demo["DEMO_PASSWORD"])
    popup.keyboard.press("Enter")
    return popup


def test_the_page_of_the_api_logs_in_and_calls_the_api(system: tuple[Ports, Environments], page: Page) -> None:
    where, variables = system
    page.goto(f"{where.url('api')}/api/docs/")
    popup = authorize(page, variables)
    expect(popup.get_by_text("Change your notes")).to_be_visible()
    boxes = page.locator(".dialog-ux .scopes input[type=checkbox]")
    assert [box.is_checked() for box in boxes.all()] == [True, True], "every scope is chosen beforehand"
    with popup.expect_event("close"):
        popup.get_by_role("button", name="Allow").click()
    dialog = page.locator(".dialog-ux")
    expect(dialog.get_by_text("Logout", exact=True)).to_be_visible()
    expect(dialog.locator(".errors")).to_have_count(0)
    dialog.locator("button.btn-done").first.click()
    operation = page.locator("#operations-notes-notes_list")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/api/notes/*") as answered:
        operation.get_by_role("button", name="Execute").click()
    assert answered.value.status == 200
    assert answered.value.request.all_headers()["authorization"].startswith("Bearer ey")
    screenshot(page, "swagger-executed")


def test_the_recipe_names_the_tested_version(system: tuple[Ports, Environments], page: Page) -> None:
    page.goto(f"{system[0].url('api')}/api/docs/")
    version = page.evaluate("versions.swaggerUI.version")
    assert catalog.recipes()["swagger-ui"].version == f"Swagger UI {version}"


def test_a_refusal_of_the_user_is_shown_on_the_page(system: tuple[Ports, Environments], page: Page) -> None:
    where, variables = system
    page.goto(f"{where.url('api')}/api/docs/")
    popup = authorize(page, variables)
    with popup.expect_event("close"):
        popup.get_by_role("button", name="Refuse").click()
    expect(page.locator(".dialog-ux .errors")).to_contain_text("access_denied")


@contextmanager
def foreign(issuer: dict[str, str]) -> Iterator[str]:
    """Register a client for a project with drf-spectacular, serve the project, and yield its URL.

    `issuer` has the environment variables of the issuer.
    """
    url = f"http://localhost:{(port := free())}"
    registered = manage_process.command(
        issuer,
        *("create_client", "--name", "Foreign", "--public", "--grant", "authorization_code", "--scope", "notes:read"),
        *("--redirect-uri", f"{url}{SIDECAR}/oauth2-redirect.html", "--origin", url, "--json"),
    )
    client_id = json.loads(registered)["client_id"]
    with served("tests.browser.spectacular", str(port), issuer["ISSUER_URL"], client_id):
        yield url


@contextmanager
def served(module: str, *arguments: str) -> Iterator[None]:
    """Run the module `module` of these tests as a server while the block runs."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            assert server.stdout.readline() == "ready\n"
            yield
        finally:
            server.terminate()


def test_a_foreign_drf_spectacular_logs_in_and_its_page_calls_an_api_of_another_origin(
    system: tuple[Ports, Environments], page: Page
) -> None:
    where, variables = system
    with foreign(variables.issuer) as url:
        page.goto(f"{url}/docs/")
        popup = authorize(page, variables, scopes=1)
        with popup.expect_event("close"):
            popup.get_by_role("button", name="Allow").click()
        expect(page.locator(".dialog-ux").get_by_text("Logout", exact=True)).to_be_visible()
        page.locator(".dialog-ux button.btn-done").click()
        operation = page.locator("#operations-echo-echo_retrieve")
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        with page.expect_response("**/echo/") as answered:
            operation.get_by_role("button", name="Execute").click()
        authorization = answered.value.json()["authorization"]
        assert authorization.startswith("Bearer ey")
        api = f"http://localhost:{(port := free())}"
        audience = variables.webapp["API_AUDIENCE"]
        with served("tests.browser.orders", str(port), variables.issuer["ISSUER_URL"], audience, url):
            assert call(page, f"{api}/orders/", authorization)[0] == 200
            browser = page.context.browser
            assert browser
            noisy = browser.new_page()  # chromium writes each refusal to the console
            noisy.goto(f"{url}/docs/")
            status, challenge = call(noisy, f"{api}/orders/", "Bearer a.b.c")
            assert (status, 'error="invalid_token"' in challenge) == (401, True), "a script can read why"
            noisy.goto(f"{where.url('api')}/api/docs/")
            assert call(noisy, f"{api}/orders/", authorization)[0] == 0, "a page of an origin that is not listed"


CALL = """async ([url, authorization]) => {
    try {
        const answer = await fetch(url, {headers: {Authorization: authorization}});
        return [answer.status, answer.headers.get("WWW-Authenticate") || ""];
    } catch (error) {
        return [0, ""];
    }
}"""


def call(page: Page, url: str, authorization: str) -> tuple[int, str]:
    """Call the API at `url` from a script of the page, with this Authorization header.

    Returns the status and the WWW-Authenticate header. The status is 0 if the browser blocked the request (CORS).
    """
    status, challenge = page.evaluate(CALL, [url, authorization])
    return status, challenge
