"""Fixtures: a function that runs other requests in the middle of a request, a key, and a client with refresh tokens."""

import pytest
from django.core.management import call_command

from tests.tokens.factories import make_client, redeem
from tokens.keys import keyring


@pytest.fixture
def interleave(monkeypatch):
    """Return `between(owner, name, *others)`, which lets other requests overtake a request at a chosen moment.

    `between` replaces the function `owner.name`, which the overtaken request calls. The functions `others` run just
    before the first call of `owner.name` returns. Each of them sends a request, for example.
    """

    def between(owner, name, *others):
        real, waiting = getattr(owner, name), list(others)

        def interrupted(*args, **kwargs):
            result = real(*args, **kwargs)
            while waiting:
                waiting.pop()()
            return result

        monkeypatch.setattr(owner, name, interrupted)

    return between


@pytest.fixture
def ring(db):
    """Create a signing key in the database, for tests that verify tokens by published keys."""
    call_command("rotate_keys", verbosity=0)
    keyring.snapshots.forget()


@pytest.fixture
def app(apis):
    """Return a public client that gets refresh tokens."""
    return make_client("app", "authorization_code", "refresh_token", public=True)


@pytest.fixture
def refresh_token(client, app, code, signer):
    return redeem(client, app, code(app, scope="notes:read offline_access")).json()["refresh_token"]
