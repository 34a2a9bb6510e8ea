"""Clients that do not support PKCE.

They can log in if they send a nonce and are registered with `--pkce nonce`. Otherwise, the error names this option of
`create_client`.
"""

import re

import pytest

from tests import marks
from tests.clients.recipes import libraries, sites
from tests.clients.recipes.stack import USER
from tests.ports import free

pytestmark = [*marks.clients]
ADD_ON = re.compile(r'            "add_ons": \{.*?\n            \},\n', re.DOTALL)


@pytest.mark.parametrize("page", ["idpyoidc"], indirect=True)
def test_idpyoidc_without_its_add_on_logs_a_user_in_by_a_nonce(page, keyturn, ada, tmp_path, monkeypatch):
    app = page.addresses["https://app.example"]
    made = keyturn.create_client([*page.commands()[0], "--pkce", "nonce"])
    code, count = ADD_ON.subn("", page.code("python", **made))
    assert count == 1
    monkeypatch.setattr(type(page), "code", lambda *_, **__: code)
    with libraries.running(page, made, keyturn, tmp_path) as program:
        url = program.next()["go"]
        assert "nonce=" in url
        assert "code_challenge" not in url
        claims = program.answer(ada.callback(url, app))["claims"]
    assert claims["email"] == USER["email"]


@pytest.fixture
def app(request) -> str:
    scheme = "https" if "idpyoidc" in request.node.name else "http"
    return f"{scheme}://localhost:{free()}"


@pytest.mark.parametrize("page", ["passport-openidconnect"], indirect=True)
def test_a_user_of_passport_that_is_registered_without_the_rule_reads_an_error_that_names_it(
    page, keyturn, app, ada, tmp_path
):
    command = page.commands()[0]
    at = command.index("--pkce")
    made = keyturn.create_client([*command[:at], *command[at + 2 :]])
    with sites.node(page, made, keyturn, tmp_path, app):
        landed = ada.open(f"{app}/login")
    assert landed.status == 400
    assert landed.url.startswith(f"{keyturn.issuer}/oauth/authorize?")
    assert "code_challenge" in landed.text
    assert "--pkce" in landed.text
