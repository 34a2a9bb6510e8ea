"""The fixtures of the resource server's tests."""

from collections.abc import Iterator

import pytest

from resources.pytest_plugin import mint_token
from tests.resources.loopback import Loopback, loopback

__all__ = ["issuer", "mint_token"]


@pytest.fixture
def issuer() -> Iterator[Loopback]:
    """Yield a server on loopback that acts as an issuer."""
    with loopback() as server:
        yield server
