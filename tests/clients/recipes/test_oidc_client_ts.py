"""docs/clients/oidc-client-ts.md: a single-page application in chromium."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import sync_playwright

from tests import marks
from tests.clients.recipes import environments
from tests.clients.recipes.stack import USER

pytestmark = [*marks.clients]

HTML = """<!doctype html>
<script type="importmap">{"imports": {
  "oidc-client-ts": "/node_modules/oidc-client-ts/dist/esm/oidc-client-ts.js",
  "jwt-decode": "/node_modules/jwt-decode/build/esm/index.js"
}}</script>
<script type="module">
  import { manager } from '/recipe.js'
  window.manager = manager
  if (location.pathname === '/callback') window.user = await manager.signinCallback()
  document.title = 'ready'
</script>
"""


class Files(SimpleHTTPRequestHandler):
    """An HTTP request handler for the files of a single-page application. `/` and `/callback` show index.html."""

    def translate_path(self, path):
        own = "/index.html" if path.partition("?")[0] in {"/", "/callback"} else path
        return super().translate_path(own)

    def log_message(self, *_):
        pass


@pytest.fixture
def site(page, client, app, tmp_path):
    """Serve the application in the documentation page's code block with its packages. Yield its URL."""
    (tmp_path / "node_modules").symlink_to(environments.node() / "node_modules")
    (tmp_path / "recipe.js").write_text(page.code("js", **client), encoding="utf-8")
    (tmp_path / "index.html").write_text(HTML, encoding="utf-8")
    address = ("localhost", int(app.rpartition(":")[2]))
    server = ThreadingHTTPServer(address, partial(Files, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tab():
    """Yield a tab of a chromium that accepts the certificate of the tests."""
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_context(ignore_https_errors=True).new_page()
        browser.close()


def test_a_single_page_application_logs_its_user_in_refreshes_and_logs_the_user_out(site, keyturn, tab, steps):
    ready = partial(tab.wait_for_function, "document.title === 'ready'")
    tab.goto(f"{site}/")
    ready()
    tab.evaluate("void manager.signinRedirect()")
    tab.fill("[name=login]", USER["username"])
    tab.fill("[name=password]", USER["password"])
    tab.keyboard.press("Enter")
    tab.click("[name=allow]")
    tab.wait_for_url(f"{site}/callback?*")
    ready()
    user = tab.evaluate("({ profile: user.profile, token: user.access_token })")
    steps.done("login")
    assert (user["profile"]["preferred_username"], user["profile"]["email"]) == (USER["username"], USER["email"])
    steps.done("claims")
    assert keyturn.opens_api(user["token"])
    steps.done("API")
    fresh = tab.evaluate("manager.signinSilent().then((user) => user.access_token)")
    assert fresh != user["token"]
    assert keyturn.opens_api(fresh)
    steps.done("refresh")
    tab.evaluate("void manager.signoutRedirect()")
    tab.wait_for_url(f"{site}/")
    tab.goto(f"{keyturn.issuer}/accounts/login/")
    assert tab.locator("[name=password]").count() == 1
    steps.done("logout")
    steps.complete()
