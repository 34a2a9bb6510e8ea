"""The cache of key pairs.

If a ring is read again, only those private keys are decrypted whose rows have changed.
"""

from dataclasses import replace

import pytest
from django.utils import timezone

from tests.tokens.keys.by_hand import by_hand
from tests.tokens.keys.steps import run
from tokens import conf
from tokens.keys import keyring, material, pair_cache, ring_reader, store
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.models import SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def loads(monkeypatch) -> list[str]:
    """Return a list. The algorithm of each private key that is decrypted is appended to it."""
    pair_cache._kept.clear()
    seen, load = [], material.load

    def counted(secret, *, algorithm):
        seen.append(algorithm)
        return load(secret, algorithm=algorithm)

    monkeypatch.setattr(material, "load", counted)
    return seen


def test_a_second_reading_opens_nothing(loads):
    run()
    loads.clear()
    first = ring_reader.read(DEFAULT_RING)
    opened = len(loads)
    second = ring_reader.read(DEFAULT_RING)
    assert second.pairs.keys() == first.pairs.keys()
    assert all(second.pairs[kid] is first.pairs[kid] for kid in first.pairs)
    assert len(loads) == opened


def test_a_row_with_another_ciphertext_is_decrypted_again_and_refused(loads):
    run()
    ring_reader.read(DEFAULT_RING)
    row = SigningKey.objects.first()
    by_hand(SigningKey.objects.filter(pk=row.pk), sealed=bytes(row.sealed)[:-1] + b"\0")
    assert row.kid not in ring_reader.read(DEFAULT_RING).pairs


@pytest.mark.parametrize("change", [{"ring": "other"}, {"algorithm": "ES256"}, {"jwk": {"kty": "RSA"}}], ids=str)
def test_a_row_with_another_ring_algorithm_or_public_half_is_decrypted_again_and_refused(loads, change):
    run()
    keys, refused = conf.issuer().encryption_keys(), []
    row = store.load(DEFAULT_RING)[0]
    for version in (row, replace(row, **change)):
        pairs = pair_cache.opened(DEFAULT_RING, [version], keys, lambda row, _: refused.append(row))
    assert (pairs, refused) == ({}, [version])


def test_a_pair_is_not_kept_for_a_process_that_lost_its_encrypting_key(settings, loads):
    run()
    assert ring_reader.read(DEFAULT_RING).pairs
    settings.ISSUER = {**settings.ISSUER, "KEY_ENCRYPTION_KEYS": ["Z" * 43]}
    assert ring_reader.read(DEFAULT_RING).pairs == {}
    assert pair_cache._kept[DEFAULT_RING] == {}


def test_the_pair_of_a_destroyed_key_is_dropped(loads):
    run()
    signing = keyring.signer(now=timezone.now()).kid
    ring_reader.read(DEFAULT_RING)
    by_hand(SigningKey.objects.filter(kid=signing), sealed=None)
    ring_reader.read(DEFAULT_RING)
    assert len(pair_cache._kept[DEFAULT_RING]) == SigningKey.objects.count() - 1
