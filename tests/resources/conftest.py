"""What the resource server's tests share: a fresh view of settings, and a loopback issuer."""

from collections.abc import Iterator

import pytest

from resources.pytest_plugin import mint_token
from tests.resources.loopback import Loopback, loopback

__all__ = ["issuer", "mint_token"]


@pytest.fixture
def issuer() -> Iterator[Loopback]:
    """A server on loopback that plays an issuer."""
    with loopback() as server:
        yield server
