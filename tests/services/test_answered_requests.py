"""Two tabs that answer one authorization request at once, on PostgreSQL: one code, and one page that leads on."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from threading import Barrier

import pytest
import requests

from project.launch import processes
from project.launch.ports import free
from tests.services.conftest import Issuer, serve

pytestmark = pytest.mark.services
PASSWORD = "correct horse"
CALLBACK = "https://client.example/callback"
TABS = 6
REQUESTS = 3
SETUP = f"""
from tokens.models import Api, Client, Scope, User
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
User.objects.create_user("ada", password="{PASSWORD}")
app = Client.objects.create(client_id="app", name="App", token_endpoint_auth_method="none", client_type="public",
    grants=["authorization_code"], redirect_uris="{CALLBACK}", remembers_consent=False)
app.scopes.add(scope)
"""
REQUEST = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "scope": "notes:read",
    "state": "s",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[str]:
    url = f"http://localhost:{free()}"
    issuer.variables["ISSUER_URL"] = url
    issuer.run("rotate_keys")
    issuer.run("shell", "-v", "0", "--no-imports", "-c", SETUP)
    child = serve(issuer, url, tmp_path / "issuer.log", workers=2)
    try:
        processes.wait_until_ready(child, "/readyz")
        yield url
    finally:
        processes.stop([child])


def fields(page: requests.Response) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def consent_page(browser: requests.Session, url: str) -> requests.Response:
    """Log in for a new request, and return its consent page."""
    page = browser.get(f"{url}/oauth/authorize", params=REQUEST | {"prompt": "login"}, timeout=60)
    page = browser.post(page.url, fields(page) | {"login": "ada", "password": PASSWORD}, timeout=60)
    assert re.fullmatch(rf"{url}/oauth/authorize\?continue=[0-9a-f]{{16}}", page.url), page.url
    return page


def test_of_tabs_that_answer_at_once_one_gets_a_code(issuer: Issuer, served: str) -> None:
    for number in range(1, REQUESTS + 1):
        with requests.Session() as browser:
            page = consent_page(browser, served)
            form, cookies, together = fields(page) | {"allow": "true"}, dict(browser.cookies), Barrier(TABS)

        def tab(
            _: int,
            page: requests.Response = page,
            form: dict[str, str] = form,
            cookies: dict[str, str] = cookies,
            together: Barrier = together,
        ) -> requests.Response:
            together.wait()
            return requests.post(page.url, form, cookies=cookies, timeout=60, allow_redirects=False)

        with ThreadPoolExecutor(TABS) as pool:
            answers = sorted(pool.map(tab, range(TABS)), key=lambda one: one.status_code)
        assert [one.status_code for one in answers] == [303] + [410] * (TABS - 1)
        assert answers[0].headers["Location"].startswith(f"{CALLBACK}?code=")
        assert 'href="https://client.example/"' in answers[1].text
        assert issuer.rows("SELECT count(*) FROM tokens_authorizationcode") == [(number,)]
        assert issuer.rows("SELECT count(*) FROM tokens_usergrant") == [(number,)]
