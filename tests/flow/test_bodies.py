"""Chunked request bodies over real HTTP: each is read completely, and none is treated as empty."""

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import requests

from project.launch.browser import forms
from tests import marks
from tests.flow.conftest import System
from tests.flow.test_story import log_in

pytestmark = [*marks.stack]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def chunked(text: str) -> Iterator[bytes]:
    """Yield a body in two parts, so that the library `requests` sends it with Transfer-Encoding: chunked."""
    half = len(text) // 2
    return iter([text[:half].encode(), text[half:].encode()])


def test_a_chunked_patch_changes_the_note(system: System) -> None:
    token = log_in(system)["access_token"]
    note = system.call("POST", "/api/notes/", token, json={"title": "before"}).json()
    path, kind = f"/api/notes/{note['id']}/", {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = chunked(json.dumps({"title": "after"}))
    answer = requests.patch(system.api + path, data=body, headers=kind, timeout=60)
    assert (answer.status_code, answer.json()["title"]) == (200, "after")
    assert system.call("GET", path, token).json()["title"] == "after"
    large = requests.patch(system.api + path, data=chunked("x" * 70_000), headers=kind, timeout=60)
    assert (large.status_code, large.json().keys()) == (413, {"error", "detail"})


def test_a_chunked_login_logs_in(system: System) -> None:
    browser = requests.Session()
    page = browser.get(f"{system.issuer}/accounts/login/", timeout=60)
    form = next(form for form in forms(page.text) if "password" in form.fields)
    filled = form.fields | {"login": "demo", "password": system.variables.demo["DEMO_PASSWORD"]}
    headers = FORM | {"Referer": page.url}
    answer = browser.post(page.url, data=chunked(urlencode(filled)), headers=headers, timeout=60)
    assert "You are logged in as demo" in answer.text


def test_a_chunked_token_request_gets_a_token(system: System) -> None:
    secret = system.variables.demo["SERVICE_CLIENT_SECRET"]
    body = chunked("grant_type=client_credentials&scope=notes:read")
    answer = requests.post(
        f"{system.issuer}/oauth/token", data=body, headers=FORM, auth=("service", secret), timeout=60
    )
    assert answer.json()["token_type"] == "Bearer"
