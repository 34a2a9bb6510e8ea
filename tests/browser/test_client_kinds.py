"""An operator adds a client of each kind in the admin, such as a web application or a device.

The admin then shows example code for the client. The tests run this code.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from project.launch.environment import Environments
from project.launch.ports import Ports
from tests.browser import screenshot
from tests.ports import free

pytestmark = [pytest.mark.browser, pytest.mark.node, pytest.mark.xdist_group("browser")]
NODE = Path(__file__).resolve().parent.parent / "clients" / "node"
System = tuple[Ports, Environments]
SPA = """<!doctype html>
<script type="importmap">{"imports": {
  "oidc-client-ts": "/node_modules/oidc-client-ts/dist/esm/oidc-client-ts.js",
  "jwt-decode": "/node_modules/jwt-decode/build/esm/index.js"
}}</script>
<script type="module">
  import { manager } from '/snippet.mjs'
  window.manager = manager
  if (location.pathname === '/callback') window.user = await manager.signinCallback()
  document.title = 'ready'
</script>
"""
AUTHLIB = """
import json
url, kept = login_url()
print(url, flush=True)
user, tokens = log_in(input(), kept)
print(json.dumps({"user": user, "access_token": tokens["access_token"], "refresh": "refresh_token" in tokens}))
"""
OPENID_CLIENT = """
import * as readline from 'node:readline/promises'
const { url, kept } = await loginUrl()
console.log(url)
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { user, tokens } = await logIn((await lines.next()).value, kept)
console.log(JSON.stringify({ user, access_token: tokens.access_token, refresh: !!tokens.refresh_token }))
process.exit()
"""


@pytest.fixture
def operator(system: System, page: Page) -> Page:
    """Return a browser page on which the administrator is logged in."""
    where, variables = system
    page.goto(f"{where.url('issuer')}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(variables.demo["ADMIN_PASSWORD"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()
    return page


@pytest.fixture
def user(system: System, chromium: Browser) -> Iterator[Page]:
    """Return a browser page on which the demo user is logged in."""
    where, variables = system
    page = chromium.new_page()
    page.goto(f"{where.url('issuer')}/accounts/login/")
    page.get_by_label("Username or e-mail").fill("demo")
    page.get_by_label("Password").fill(variables.demo["DEMO_PASSWORD"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/")
    yield page
    page.context.close()


def add(page: Page, issuer: str, kind: str, **fields: str) -> list[str]:
    """Add a client of the kind `kind` in the admin. `fields` are values of the form by field name.

    Returns the code blocks that the admin shows for the new client.
    """
    page.goto(f"{issuer}/admin/tokens/client/")
    page.get_by_role("link", name="Add client").click()
    page.get_by_role("heading", name="What is it?").wait_for()
    screenshot(page, "client-kinds")
    page.locator(f'a[href$="/new/{kind}/"]').click()
    page.get_by_label("Name", exact=False).first.fill(f"Added {kind}")
    for name, value in fields.items():
        page.locator(f"[name={name}]").fill(value)
    if page.get_by_text("notes:read").count():
        page.get_by_label("notes:read").check()
    screenshot(page, f"client-kind-{kind}")
    page.get_by_role("button", name="Add client").click()
    expect(page.locator("#client-id")).to_be_visible()
    screenshot(page, f"client-added-{kind}")
    return [block or "" for block in page.locator(".snippet pre").all_text_contents()]


def allow(user: Page, url: str, callback: str) -> str:
    """Open the authorization request at `url` in the user's tab, and allow it.

    Returns the URL of the response, which begins with `callback`.
    """
    came: list[str] = []
    user.route(f"{callback}*", lambda route: (came.append(route.request.url), route.fulfill(body="done")))
    user.goto(url)
    user.get_by_role("button", name="Allow").click()
    user.wait_for_url(f"{callback}*")
    return came[0]


def talk(command: list[str], cwd: Path, answer: Callable[[str], str]) -> dict[str, object]:
    """Run a program that prints a URL, then reads a line, and prints JSON. Return the JSON.

    `answer` gets the URL, and returns the line that the program reads.
    """
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout
            assert process.stderr
            url = process.stdout.readline().split()
            assert url, process.stderr.read()
            out, err = process.communicate(answer(url[-1]) + "\n", timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, err
    parsed: dict[str, object] = json.loads(out)
    return parsed


def shell(script: str, text: str = "", **variables: str) -> dict[str, object]:
    """Run a shell script with `text` as its input, and return the JSON of its last line."""
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        input=text, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    parsed: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return parsed


def test_a_service_s_blocks_get_a_token_and_an_api_s_block_introspects_it(system: System, operator: Page) -> None:
    issuer = system[0].url("issuer")
    curl, authlib = add(operator, issuer, "service")
    answer = shell(curl)
    assert answer["scope"] == "notes:read"
    done = subprocess.run([sys.executable, "-c", authlib], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count(".") == 2
    operator.goto(f"{issuer}/admin/tokens/client/new/api/")
    operator.get_by_label("Name").fill("Notes API")
    operator.locator("[name=api]").select_option(index=1)
    operator.get_by_role("button", name="Add client").click()
    introspect = operator.locator(".snippet pre").inner_text()
    output = shell(introspect, TOKEN=str(answer["access_token"]))
    assert (output["active"], output["scope"]) == (True, "notes:read")


def test_a_web_application_s_blocks_log_a_user_in(system: System, operator: Page, user: Page, tmp_path: Path) -> None:
    issuer, callback = system[0].url("issuer"), f"http://localhost:{free()}/callback"
    authlib, openid_client = add(operator, issuer, "web", redirect_uris=callback)
    (tmp_path / "shop.py").write_text(authlib + AUTHLIB)
    came = talk([sys.executable, "shop.py"], tmp_path, lambda url: allow(user, url, callback))
    assert (came["user"]["preferred_username"], came["refresh"]) == ("demo", True)  # type: ignore[index]
    (tmp_path / "shop.mjs").write_text(openid_client + OPENID_CLIENT)
    (tmp_path / "node_modules").symlink_to(NODE / "node_modules")
    came = talk(["node", "shop.mjs"], tmp_path, lambda url: allow(user, url, callback))
    assert (came["user"]["preferred_username"], came["refresh"]) == ("demo", True)  # type: ignore[index]


def test_a_native_application_s_block_listens_and_logs_its_user_in(
    system: System, operator: Page, user: Page, tmp_path: Path
) -> None:
    (block,) = add(operator, system[0].url("issuer"), "native")
    (tmp_path / "app.mjs").write_text(block)
    (tmp_path / "node_modules").symlink_to(NODE / "node_modules")

    def answer(url: str) -> str:
        user.goto(url)
        user.get_by_role("button", name="Allow").click()
        expect(user.get_by_text("You can close this window.")).to_be_visible()
        return ""

    assert talk(["node", "app.mjs"], tmp_path, answer)["preferred_username"] == "demo"


def test_a_device_s_block_gets_a_token_once_the_user_allows_it(system: System, operator: Page, user: Page) -> None:
    (block,) = add(operator, system[0].url("issuer"), "device")
    process = subprocess.Popen(
        ["sh", "-eu", "-c", block], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout
            begun = json.loads(process.stdout.readline())
            user.goto(begun["verification_uri_complete"])
            user.get_by_role("button", name="Continue").click()
            user.get_by_role("button", name="Allow").click()
            out, err = process.communicate("\n", timeout=60)
        finally:
            process.kill()
    assert "access_token" in json.loads(out.splitlines()[-1]), err


class Files(SimpleHTTPRequestHandler):
    """An HTTP request handler for the files of a single-page application. `/` and `/callback` show index.html."""

    def translate_path(self, path: str) -> str:
        """Return the file for the path of a request: index.html for `/` and `/callback`."""
        return super().translate_path("/index.html" if path.partition("?")[0] in {"/", "/callback"} else path)

    def log_message(self, *_: object) -> None:
        """Write no log line about a request."""


def test_a_single_page_application_s_block_logs_a_user_in(
    system: System, operator: Page, user: Page, tmp_path: Path
) -> None:
    port = free()
    site = f"http://localhost:{port}"
    (block,) = add(operator, system[0].url("issuer"), "spa", redirect_uris=f"{site}/callback")
    (tmp_path / "node_modules").symlink_to(NODE / "node_modules")
    (tmp_path / "snippet.mjs").write_text(block)
    (tmp_path / "index.html").write_text(SPA)
    server = ThreadingHTTPServer(("localhost", port), partial(Files, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        user.goto(f"{site}/")
        user.wait_for_function("document.title === 'ready'")
        user.evaluate("void manager.signinRedirect()")
        user.get_by_role("button", name="Allow").click()
        user.wait_for_url(f"{site}/callback?*")
        user.wait_for_function("document.title === 'ready'")
        assert user.evaluate("user.profile.preferred_username") == "demo"
        assert user.evaluate("user.access_token").count(".") == 2
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_secret_is_copied_by_the_button(system: System, operator: Page) -> None:
    operator.context.grant_permissions(["clipboard-read", "clipboard-write"])
    add(operator, system[0].url("issuer"), "service")
    secret = operator.locator("#client-secret")
    operator.locator("dd", has=secret).get_by_role("button", name="Copy").click()
    expect(operator.locator("dd", has=secret).get_by_role("button", name="Copied")).to_be_visible()
    assert operator.evaluate("navigator.clipboard.readText()") == secret.inner_text()
