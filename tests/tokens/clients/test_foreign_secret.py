"""Client secrets that were imported from another project.

Such a secret has a slow hash until its first use. A secret that can be guessed keeps the slow hash.
"""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.hashers import make_password

from tokens.clients import client_secret
from tokens.models import Client, ClientSecret

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
STRONG = "x" * 43
WEAK = "x" * 42


@pytest.fixture
def client_(db) -> Client:
    return Client.objects.create(name="webapp")


def use(client: Client, presented: str) -> bool:
    return client_secret.use(client_secret.stored_of(client), presented, now=NOW)


def slow_hash() -> str | None:
    return ClientSecret.objects.get().imported_hash


def test_a_strong_text_gets_the_fast_hash_at_once(client_: Client) -> None:
    assert client_secret.import_secret(client_, STRONG, now=NOW)
    assert slow_hash() is None
    assert use(client_, STRONG)


def test_the_hash_of_a_strong_secret_is_replaced_at_its_first_use_and_by_no_wrong_secret(client_: Client) -> None:
    assert client_secret.import_secret(client_, make_password(STRONG), now=NOW)
    assert not use(client_, WEAK)
    assert not use(client_, "")
    assert slow_hash()
    assert use(client_, STRONG)
    stored = ClientSecret.objects.get()
    assert (stored.imported_hash, stored.hint) == (None, STRONG[-4:])
    assert use(client_, STRONG)
    assert not use(client_, WEAK)


@pytest.mark.parametrize("imported", [WEAK, make_password(WEAK)], ids=["plain", "hashed"])
def test_a_secret_that_can_be_guessed_keeps_a_slow_hash(client_: Client, imported: str) -> None:
    assert client_secret.import_secret(client_, imported, now=NOW)
    for _ in range(2):
        assert use(client_, WEAK)
        assert not use(client_, STRONG)
        assert slow_hash()
        assert WEAK not in slow_hash()


@pytest.mark.parametrize("imported", ["unknown$1$salt$hash", "$", "pbkdf2$"])
def test_a_hash_of_an_unknown_hasher_is_not_stored(client_: Client, imported: str) -> None:
    assert not client_secret.import_secret(client_, imported, now=NOW)
    assert not ClientSecret.objects.exists()


def test_a_hash_of_another_secret_is_not_found(client_: Client) -> None:
    client_secret.import_secret(client_, make_password(STRONG), now=NOW)
    assert not use(client_, slow_hash())
    assert not use(client_, STRONG[:-1])
