"""Token requests are still fast during sixteen simultaneous logins."""

import re
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from project.launch import processes
from tests.ports import free
from tests.services.conftest import Issuer, ready, serve
from tests.services.test_redis_outage import PASSWORD, SETUP
from tokens.limits.password_slots import RETRY_AFTER, ROOM

pytestmark = [pytest.mark.services, pytest.mark.outage]
AT_ONCE = 16
MEASURED = 15
NOISE = 0.5  # seconds: a busy machine; without the bound the median was 2.8 s


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Yield the URL of an issuer with one worker, and the secret of its client."""
    url = f"http://localhost:{free()}"
    served_issuer = Issuer(issuer.variables | {"ISSUER_URL": url})
    served_issuer.run("rotate_keys")
    secret = served_issuer.run("shell", "-v", "0", "--no-imports", "-c", SETUP.format(password=PASSWORD)).strip()
    child = serve(served_issuer, url, tmp_path / "issuer.log", workers=1)
    try:
        ready(child)
        yield url, secret
    finally:
        processes.stop([child])


def wrong_login(url: str, begin: threading.Barrier) -> requests.Response:
    """Open the login page, wait until all logins have opened it, send a wrong password, and return the response."""
    with requests.Session() as browser:
        page = browser.get(f"{url}/accounts/login/", timeout=60)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        begin.wait(60)
        form = {"login": "ada", "password": "wrong", "csrfmiddlewaretoken": token[1]}
        return browser.post(page.url, form, timeout=60)


def token_time(served: tuple[str, str]) -> float:
    form = {"grant_type": "client_credentials", "scope": "notes:read", "client_id": "service"}
    began = time.monotonic()
    answer = requests.post(f"{served[0]}/oauth/token", form | {"client_secret": served[1]}, timeout=60)
    assert answer.status_code == 200
    assert requests.get(f"{served[0]}/.well-known/jwks.json", timeout=60).status_code == 200
    return time.monotonic() - began


def test_sixteen_logins_at_once_are_answered_and_tokens_go_on(served: tuple[str, str]) -> None:
    quiet = statistics.median(token_time(served) for _ in range(MEASURED))
    begin = threading.Barrier(AT_ONCE + 1)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        logins = [pool.submit(wrong_login, served[0], begin) for _ in range(AT_ONCE)]
        begin.wait(60)
        busy = statistics.median(token_time(served) for _ in range(MEASURED))
        answers = [login.result() for login in logins]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}, "some were tried, the others come again"
    assert statuses.count(503) >= AT_ONCE - 2 * ROOM
    assert {answer.headers["Retry-After"] for answer in answers if answer.status_code == 503} == {str(RETRY_AFTER)}
    print(f"token and JWKS: median {quiet:.3f} s, beside {AT_ONCE} logins {busy:.3f} s; {statuses.count(503)} refused")
    assert busy <= 2 * quiet + NOISE
