"""The generation of key pairs in a keystore."""

from types import SimpleNamespace

import pytest

from tokens.keys import private_keys
from tokens.models import Ring


class Store:
    """A keystore whose next pairs have the given kids. `destroyed` are the secrets that it has destroyed."""

    def __init__(self, *kids):
        self.kids, self.destroyed = list(kids), []

    def generate(self, algorithm, *, bits):
        kid = self.kids.pop(0)
        return SimpleNamespace(kid=kid, secret=f"secret of {kid}")

    def destroy(self, secret):
        self.destroyed.append(secret)


@pytest.fixture
def store(monkeypatch):
    made = Store("-one", "-two", "three")
    monkeypatch.setattr(private_keys, "keystore", lambda _name: made)
    return made


def test_a_key_pair_whose_kid_begins_with_a_dash_is_destroyed_and_generated_again(store):
    with private_keys.fresh_pairs(Ring(keystore=private_keys.DATABASE, algorithm="ES256"), 1) as pairs:
        assert [pair.kid for pair in pairs] == ["three"]
    assert store.destroyed == ["secret of -one", "secret of -two"]


def test_a_pair_that_is_returned_is_not_destroyed_however_many_kids_begin_with_a_dash(monkeypatch):
    dashed = [f"-{number}" for number in range(private_keys.TRIES + 1)]
    store = Store(*dashed)
    monkeypatch.setattr(private_keys, "keystore", lambda _name: store)
    with private_keys.fresh_pairs(Ring(keystore=private_keys.DATABASE, algorithm="ES256"), 1) as [pair]:
        assert pair.secret not in store.destroyed
    assert store.destroyed == [f"secret of {kid}" for kid in dashed[:-1]]
