"""Fixtures for the tests of `project`: signing keys that are made once per process."""

from collections.abc import Iterator

import pytest

from tests import prepared_keys
from tokens.revoking import feed


@pytest.fixture(autouse=True)
def rings_draw_prepared_keys() -> Iterator[None]:
    """Make key rings (sets of signing keys) use prepared keys instead of new ones.

    First drops the cached documents of the revocation feed. An earlier test can have signed them with the same keys.
    """
    feed.documents.forget()
    with prepared_keys.drawn():
        yield
