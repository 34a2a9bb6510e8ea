"""Rings (sets of signing keys) that sign ID tokens. They are created in the past, so that they sign already."""

from datetime import timedelta

import pytest

from tests.clock import clocks_at
from tests.tokens.factories import operation
from tokens.keys import keyring, rotation, store
from tokens.keys.rings import RingKind
from tokens.keys.rules import id_ring

DAYS = timedelta(days=2)
"""Longer than a first key is announced before it signs."""


def begin(algorithm, *, ago=DAYS):
    """Create a ring that signs ID tokens with `algorithm`, as if it had been created `ago` before now."""
    then = store.database_now() - ago
    with clocks_at(lambda: then):
        rotation.rotate(operation(then), id_ring.named(algorithm), kind=RingKind(algorithm=algorithm))
    keyring.snapshots.forget()


@pytest.fixture
def default_ring(db):
    """Create the default ring (RS256), as of four days ago."""
    then = store.database_now() - 2 * DAYS
    with clocks_at(lambda: then):
        rotation.rotate(operation(then))
    keyring.snapshots.forget()
    yield
    keyring.snapshots.forget()
