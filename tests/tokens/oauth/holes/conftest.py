"""The plain toolkit in two ways: its own code on our tables, and in a project of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from django.conf import settings as configured
from django.core.management import call_command
from django.test import override_settings
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.openid import Server as OpenIDServer

from tests.tokens.conftest import make_client, redeem
from tokens.keys import signing

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def plain(test_signer):
    """The toolkit's backend as it comes, with OpenID Connect on; the settings hold for its views as well."""
    key = test_signer.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chosen = {
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": key.decode(),
        "OIDC_ISS_ENDPOINT": "http://localhost:8000",
        "SCOPES": {"openid": "OpenID", "notes:read": "Read"},
        "ALWAYS_RELOAD_OAUTHLIB_CORE": True,
    }
    with override_settings(OAUTH2_PROVIDER=chosen):
        yield OAuthLibCore(OpenIDServer(OAuth2Validator()))


@pytest.fixture
def plain_with(plain):
    """The same with further settings of the toolkit's, for as long as a block lasts."""
    return lambda **chosen: override_settings(OAUTH2_PROVIDER=configured.OAUTH2_PROVIDER | chosen)


@pytest.fixture(scope="session")
def stock():
    """What the toolkit did in a project of its own, by the names of the functions there."""
    command = [sys.executable, "-m", f"{__package__}.stock"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def meanwhile(monkeypatch):
    """Let other requests be answered right after a function has returned: at the worst moment of a race."""

    def between(owner, name, *others):
        real, waiting = getattr(owner, name), list(others)

        def interrupted(*args, **kwargs):
            found = real(*args, **kwargs)
            while waiting:
                waiting.pop()()
            return found

        monkeypatch.setattr(owner, name, interrupted)

    return between


@pytest.fixture
def ring(db):
    """A signing key of the issuer's own, for what is verified by published keys."""
    call_command("rotate_keys", verbosity=0)
    signing.snapshots.forget()


@pytest.fixture
def app(apis):
    """A public client that stays."""
    return make_client("app", "authorization_code", "refresh_token", public=True)


@pytest.fixture
def refresh_token(client, app, code, signer):
    return redeem(client, app, code(app, scope="notes:read offline_access")).json()["refresh_token"]
