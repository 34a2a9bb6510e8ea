"""Tests of every view with a valid token, with a token that lacks the scope, and without a token.

The fixture `mint_token` comes from the pytest plugin of the installed package.
"""

from collections.abc import Callable

import pytest
from django.test import Client
from keyturn_resources.testing import Holder, bad_tokens, bearer, pinned

Mint = Callable[..., str]
VIEWS = ("/pages/one/", "/pages/export/", "/ninja/whoami", "/forward-auth/")


@pytest.mark.parametrize("path", VIEWS)
def test_a_token_with_the_scopes_is_accepted(client: Client, mint_token: Mint, path: str) -> None:
    answer = client.get(path, headers=bearer(mint_token("notes:read notes:write", sub="ada")))
    assert answer.status_code == (204 if path == "/forward-auth/" else 200)
    assert b"ada" in answer.content or answer.headers["X-Keyturn-Subject"] == "ada"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", VIEWS)
def test_a_request_without_a_token_gets_a_challenge(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")
    assert "error=" not in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", VIEWS)
def test_a_bad_token_is_refused(client: Client, path: str) -> None:
    with pinned():
        for token in bad_tokens("notes:read notes:write").values():
            answer = client.get(path, headers=bearer(token))
            assert (answer.status_code, 'error="invalid_token"' in answer.headers["WWW-Authenticate"]) == (401, True)


@pytest.mark.parametrize("path", VIEWS[1:])
def test_a_token_without_the_scope_is_refused(client: Client, mint_token: Mint, path: str) -> None:
    answer = client.get(path, headers=bearer(mint_token("other")))
    assert (answer.status_code, 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]) == (403, True)


@pytest.mark.parametrize("path", VIEWS)
def test_a_token_that_is_bound_to_a_key_needs_its_proof(
    client: Client, mint_token: Mint, token_holder: Holder, path: str
) -> None:
    token = mint_token("notes:read notes:write", cnf=token_holder.cnf)
    original = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": path}
    good = token_holder.headers("GET", path, token) | original
    statuses = [client.get(path, headers=headers).status_code for headers in (bearer(token), good, good)]
    assert statuses == [401, 204 if path == "/forward-auth/" else 200, 401]


def test_an_operation_of_django_ninja_can_require_another_scope(client: Client, mint_token: Mint) -> None:
    assert client.post("/ninja/notes", headers=bearer(mint_token("notes:read"))).status_code == 403
    assert client.post("/ninja/notes", headers=bearer(mint_token("notes:write"))).status_code == 200


def test_paths_that_are_not_listed_and_probes_stay_public(client: Client) -> None:
    assert [client.get(path).status_code for path in ("/public/", "/healthz")] == [200, 200]


def test_a_proxy_gets_the_identity_and_forged_headers_are_refused(client: Client, mint_token: Mint) -> None:
    token = bearer(mint_token("notes:read", sub="é b%2", client_id="app"))
    headers = client.get("/forward-auth/", headers=token).headers
    names = {name: value for name, value in headers.items() if name.startswith("X-Keyturn-")}
    assert names == {
        "X-Keyturn-Subject": "%C3%A9%20b%252",
        "X-Keyturn-Client": "app",
        "X-Keyturn-Issuer": "http://localhost:8000",
        "X-Keyturn-Scope": "notes:read",
    }
    for forged in ("X-Keyturn-Subject", "x-keyturn-other"):
        answer = client.get("/forward-auth/", headers=token | {forged: "admin"})
        assert (answer.status_code, "X-Keyturn-Subject" in answer.headers) == (403, False)


def test_proxies_get_401_for_requests_that_an_api_answers_with_400(client: Client, mint_token: Mint) -> None:
    for authorization in ("Bearer", "Bearer a b", f"Bearer {mint_token()}, Bearer x"):
        assert client.get("/forward-auth/", headers={"Authorization": authorization}).status_code == 401
    assert client.get(f"/forward-auth/?access_token={mint_token()}", headers=bearer(mint_token())).status_code == 401
