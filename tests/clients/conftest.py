"""Fixtures: issuer and API in separate processes, a user who logs in and consents as in a browser, and clients."""

import json

import pytest
from jwt.algorithms import ECAlgorithm

from project.launch.browser import Browser
from tests import manage_process
from tests.flow.conftest import System, api_of, elsewhere, system

__all__ = ["api_of", "elsewhere", "system"]
SCOPE = "openid notes:read offline_access"


@pytest.fixture
def agree(system: System):
    """Return a function that opens an authorization URL and consents as the demo user, and returns the callback URL."""

    def follow(url: str, browser: Browser | None = None) -> str:
        browser = browser or Browser()
        page = browser.log_in(browser.get(url), "demo", system.variables.demo["DEMO_PASSWORD"])
        return (browser.submit(page, {}, button="allow") if "Allow" in page.text else page).url

    return follow


@pytest.fixture(scope="session")
def register(system: System, tmp_path_factory):
    """Return a function that registers a client with `create_client`, and returns what the command prints.

    This is a dict with the client_id and, for a confidential client, the client_secret.
    """

    def make(name, *options, key=None):
        arguments = ["create_client", "--name", name, "--json", "--scope", "notes:read", *options]
        if key is not None:
            path = tmp_path_factory.mktemp("keys") / "public.jwks.json"
            jwk = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "one", "alg": "ES256", "use": "sig"}
            path.write_text(json.dumps({"keys": [jwk]}), encoding="utf-8")
            arguments += ["--jwks", str(path)]
        return json.loads(manage_process.command(system.variables.issuer, *arguments))

    return make


@pytest.fixture(scope="session")
def public(register, system: System):
    """Return the client_id of a public client."""
    grants = ("--grant", "authorization_code", "--grant", "refresh_token")
    return register("Public", "--public", *grants, "--redirect-uri", system.callback)["client_id"]


@pytest.fixture(scope="session")
def confidential(register, system: System):
    """Return a dict with the client_id and the client_secret of a confidential client."""
    grants = ("--grant", "authorization_code", "--grant", "refresh_token", "--grant", "client_credentials")
    return register("Confidential", *grants, "--redirect-uri", system.callback)


@pytest.fixture(autouse=True)
def loopback_without_tls(monkeypatch):
    """Make Authlib and oauthlib accept http URLs, which they refuse even on loopback."""
    for name in ("AUTHLIB_INSECURE_TRANSPORT", "OAUTHLIB_INSECURE_TRANSPORT"):
        monkeypatch.setenv(name, "1")
