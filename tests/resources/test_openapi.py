"""The HTML page that shows the OpenAPI document (Swagger UI), and the page to which the issuer sends the code."""

import json
import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.settings import patched_settings

from resources.testing import pinned

REDIRECT = "/api/docs/oauth2-redirect.html"
SIDECAR = "/static/drf_spectacular_sidecar/swagger-ui-dist/oauth2-redirect.js"


def login_of(client: Client) -> dict[str, Any] | None:
    """Return the options for the login on the Swagger UI page: the argument of `initOAuth`.

    Returns None if the page does not call `initOAuth`.
    """
    passed = re.search(r"ui\.initOAuth\((.*?)\);", client.get("/api/docs/").content.decode(), re.DOTALL)
    return json.loads(passed[1]) if passed else None


def test_the_page_logs_in_with_pkce_and_every_scope_of_the_api(client: Client) -> None:
    with patched_settings({"SWAGGER_UI_OAUTH2_CONFIG": {"clientId": "docs"}}):
        assert login_of(client) == {
            "clientId": "docs",
            "usePkceWithAuthorizationCodeGrant": True,
            "scopes": ["notes:read", "notes:write"],
        }


def test_the_settings_of_the_project_take_precedence(client: Client) -> None:
    own = {"clientId": "docs", "scopes": "notes:read", "appName": "Notes"}
    with patched_settings({"SWAGGER_UI_OAUTH2_CONFIG": own}):
        assert login_of(client) == own | {"usePkceWithAuthorizationCodeGrant": True}
    with patched_settings({"SWAGGER_UI_OAUTH2_CONFIG": '{"clientId": "javascript"}'}):
        assert login_of(client) == {"clientId": "javascript"}


def test_the_page_of_an_api_without_scopes_asks_for_none(client: Client) -> None:
    with pinned(SCOPES={}):
        login = login_of(client)
    assert login
    assert login["scopes"] == []


def test_the_popup_sends_its_code_to_the_page_that_opened_it(client: Client) -> None:
    answer = client.get(REDIRECT, {"code": "<script>", "state": "x"})
    text = answer.content.decode()
    assert (answer.status_code, f'<script src="{SIDECAR}"></script>' in text) == (200, True)
    assert "code" not in text, "the script reads the address"
    assert {name: answer[name] for name in ("Cache-Control", "Cross-Origin-Opener-Policy", "Referrer-Policy")} == {
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "unsafe-none",
        "Referrer-Policy": "no-referrer",
    }
    assert answer["Content-Security-Policy"] == "default-src 'none'; script-src 'self'; frame-ancestors 'none'"
    assert client.get("/api/docs/")["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert finders.find(SIDECAR.removeprefix("/static/"))


def test_the_script_comes_from_where_swagger_ui_comes_from(client: Client) -> None:
    with patched_settings({"SWAGGER_UI_DIST": "https://cdn.example/swagger-ui@5"}):
        answer = client.get(REDIRECT)
    assert 'src="https://cdn.example/swagger-ui@5/oauth2-redirect.js"' in answer.content.decode()
    assert "script-src https://cdn.example;" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(("method", "path", "status"), [("POST", REDIRECT, 405), ("GET", "/api/docs/oauth2", 404)])
def test_nothing_else_is_served_beside_the_page(client: Client, method: str, path: str, status: int) -> None:
    assert client.generic(method, path).status_code == status
