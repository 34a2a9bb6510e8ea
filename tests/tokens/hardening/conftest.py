"""Concurrent requests at a chosen moment, and a client with a refresh token."""

import pytest
from django.core.management import call_command

from tests.tokens.factories import make_client, redeem
from tokens.keys import keyring


@pytest.fixture
def meanwhile(monkeypatch):
    """Return a function that runs other requests after a given function returns, at the worst moment of a race."""

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
    """A signing key in the database, for tests that verify tokens by published keys."""
    call_command("rotate_keys", verbosity=0)
    keyring.snapshots.forget()


@pytest.fixture
def app(apis):
    """A public client with refresh tokens."""
    return make_client("app", "authorization_code", "refresh_token", public=True)


@pytest.fixture
def refresh_token(client, app, code, signer):
    return redeem(client, app, code(app, scope="notes:read offline_access")).json()["refresh_token"]
