"""Rings that sign ID tokens: made in the past, so that they sign now."""

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
    """Create the ring that signs ID tokens with `algorithm`, as it was `ago`."""
    then = store.database_now() - ago
    with clocks_at(lambda: then):
        rotation.rotate(operation(then), id_ring.named(algorithm), kind=RingKind(algorithm=algorithm))
    keyring.snapshots.forget()


@pytest.fixture
def default_ring(db):
    """Create the default ring (RS256), as it was four days ago."""
    then = store.database_now() - 2 * DAYS
    with clocks_at(lambda: then):
        rotation.rotate(operation(then))
    keyring.snapshots.forget()
    yield
    keyring.snapshots.forget()
