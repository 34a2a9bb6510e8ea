"""The module `resources.testing` (a kit for tests of APIs) does what docs/resource-server.md says."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from django.test import Client

from resources.testing import SigningKey, bad_tokens, bearer, mint, pinned, shared_key

OWN = (
    SigningKey(),
    SigningKey("ES256", ec.generate_private_key(ec.SECP256R1())),
    SigningKey("EdDSA", ed25519.Ed25519PrivateKey.generate()),
)


def test_a_minted_token_is_accepted(client: Client) -> None:
    with pinned():
        assert client.get("/api/whoami/", headers=bearer(mint("a b", sub="alice"))).json()["scopes"] == ["a", "b"]


@pinned()
def test_pinned_is_a_decorator_too() -> None:
    assert Client().get("/api/whoami/", headers=bearer(mint())).status_code == 200


def test_a_token_of_a_second_key_needs_that_key_to_be_pinned(client: Client) -> None:
    own = SigningKey()
    with pinned(own):
        assert client.get("/api/whoami/", headers=bearer(mint(key=own))).status_code == 200
        assert client.get("/api/whoami/", headers=bearer(mint())).status_code == 401


def test_the_fixture_mints_tokens_that_the_api_accepts(client: Client, mint_token: Callable[..., str]) -> None:
    assert client.get("/api/whoami/", headers=bearer(mint_token("a"))).status_code == 200


def test_outside_of_pinned_the_test_key_is_not_trusted(client: Client) -> None:
    assert client.get("/api/whoami/", headers=bearer(mint())).status_code != 200


@pytest.mark.parametrize("name", bad_tokens())
def test_every_ready_made_bad_token_is_refused(client: Client, name: str) -> None:
    with pinned():
        assert client.get("/api/whoami/", headers=bearer(bad_tokens()[name])).status_code in {400, 401}


def details(client: Client, *own: SigningKey, **settings: Any) -> dict[str, str]:
    """Return the API's reason for the refusal of each bad token, by the token's name.

    If `own` has a key, the API trusts this key, and the tokens are made with it. `settings` are settings of the API.
    """
    with pinned(*own, **settings):
        tokens = bad_tokens(key=own[0]) if own else bad_tokens()
        return {
            name: client.get("/api/whoami/", headers=bearer(token)).json()["detail"] for name, token in tokens.items()
        }


@pytest.mark.parametrize("key", OWN, ids=lambda key: key.algorithm)
def test_bad_tokens_of_an_own_key_have_the_faults_of_those_of_the_shared_key(client: Client, key: SigningKey) -> None:
    with pinned(key, ALGORITHMS=[key.algorithm]):
        assert client.get("/api/whoami/", headers=bearer(mint(key=key))).status_code == 200
    assert details(client, key, ALGORITHMS=[key.algorithm]) == details(client)


def test_a_private_key_is_never_shown() -> None:
    assert "private" not in repr(shared_key())
    assert set(shared_key().jwk) == {"kty", "n", "e", "kid", "alg", "use"}
