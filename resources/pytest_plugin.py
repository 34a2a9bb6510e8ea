"""A pytest fixture for users of the resource server: `pytest_plugins = ["resources.pytest_plugin"]`."""

from collections.abc import Callable, Iterator

import pytest

from resources import testing


@pytest.fixture
def mint_token() -> Iterator[Callable[..., str]]:
    """Yield a function that mints tokens, `mint_token("notes:read", sub=…)`. The API trusts its key during the test."""
    with testing.pinned():
        yield testing.mint
