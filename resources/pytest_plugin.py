"""A pytest fixture for users of the resource server: `pytest_plugins = ["resources.pytest_plugin"]`."""

from collections.abc import Callable, Iterator

import pytest

from resources import testing


@pytest.fixture
def mint_token() -> Iterator[Callable[..., str]]:
    """`mint_token("notes:read", sub=…)`: the API trusts the test key for as long as the test runs."""
    with testing.pinned():
        yield testing.mint
