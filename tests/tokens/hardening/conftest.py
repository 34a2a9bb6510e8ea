"""Concurrent requests at a chosen moment, and a client with a refresh token."""

import pytest
from django.core.management import call_command

from tests.tokens.factories import make_client, redeem
from tokens.keys import keyring


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
    keyring.snapshots.forget()


@pytest.fixture
def app(apis):
    """A public client that stays."""
    return make_client("app", "authorization_code", "refresh_token", public=True)


@pytest.fixture
def refresh_token(client, app, code, signer):
    return redeem(client, app, code(app, scope="notes:read offline_access")).json()["refresh_token"]
