"""Several browser tabs answer one consent page at the same time, as after a double click on "Allow".

Each tab gets an authorization response.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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


@contextmanager
def serving(issuer: Issuer, tmp_path: Path) -> Iterator[str]:
    """Serve the issuer by two workers, with the client that SETUP creates. Yield the issuer's URL."""
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


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[str]:
    with serving(issuer, tmp_path) as url:
        yield url


def fields(page: requests.Response) -> dict[str, str]:
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in pairs}


def consent_page(browser: requests.Session, url: str) -> requests.Response:
    """Send an authorization request with prompt=login, log in, and return the consent page."""
    page = browser.get(f"{url}/oauth/authorize", params=REQUEST | {"prompt": "login"}, timeout=60)
    page = browser.post(page.url, fields(page) | {"login": "ada", "password": PASSWORD}, timeout=60)
    assert re.fullmatch(rf"{url}/oauth/authorize\?continue=[0-9a-f]{{16}}", page.url), page.url
    return page


@pytest.mark.parametrize("answers", [["true"], ["false"], ["true", "false"]], ids=" and ".join)
def test_each_of_the_tabs_that_answer_at_once_reaches_the_client(
    issuer: Issuer, served: str, answers: list[str]
) -> None:
    with requests.Session() as browser:
        page = consent_page(browser, served)
    form, cookies, together = fields(page), dict(browser.cookies), Barrier(TABS)

    def tab(number: int) -> requests.Response:
        answer = form | {"allow": answers[number % len(answers)]}
        together.wait()
        return requests.post(page.url, answer, cookies=cookies, timeout=60, allow_redirects=False)

    with ThreadPoolExecutor(TABS) as pool:
        responses = list(pool.map(tab, range(TABS)))
    targets = [response.headers["Location"] for response in responses]
    allowed = [answers[number % len(answers)] == "true" for number in range(TABS)]
    assert [response.status_code for response in responses] == [303] * TABS
    assert [target.startswith(f"{CALLBACK}?code=") for target in targets] == allowed
    assert [target.startswith(f"{CALLBACK}?error=access_denied") for target in targets] == [not it for it in allowed]
    assert len(set(targets)) == sum(allowed) + (not all(allowed)), "each code is given once"
    for table in ("tokens_authorizationcode", "tokens_usergrant"):
        assert issuer.rows(f"SELECT count(*) FROM {table}") == [(sum(allowed),)]
