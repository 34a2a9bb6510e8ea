"""A pytest fixture for users of the resource server. An installed `keyturn-resources` registers it with pytest.

A copied folder registers it in conftest.py: `pytest_plugins = ["resources.pytest_plugin"]`.
"""

from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def mint_token() -> Iterator[Callable[..., str]]:
    """Yield a function that mints tokens, `mint_token("notes:read", sub=…)`. The API trusts its key during the test."""
    # pytest loads the installed plugin in every project of its environment, also in one without Django's settings.
    from . import testing  # noqa: PLC0415

    with testing.pinned():
        yield testing.mint
