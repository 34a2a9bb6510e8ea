"""Pytest fixtures for users of the resource server. An installed `keyturn-resources` registers them.

A copied folder registers them in conftest.py: `pytest_plugins = ["resources.pytest_plugin"]`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import Holder


@pytest.fixture
def mint_token() -> Iterator[Callable[..., str]]:
    """Yield a function that mints tokens, `mint_token("notes:read", sub=…)`, which the API accepts during the test."""
    # Imported here: pytest loads an installed plugin in every project, including projects without Django settings.
    from . import testing  # noqa: PLC0415

    with testing.pinned():
        yield testing.mint


@pytest.fixture
def token_holder() -> "Holder":
    """Return a client with a key of its own: `mint_token("notes:read", cnf=token_holder.cnf)`."""
    from . import testing  # noqa: PLC0415

    return testing.Holder()
