"""Pytest fixtures for the tests of APIs that use the resource server.

An installed `keyturn-resources` registers the fixtures. If the folder `resources` is copied into a project instead,
conftest.py must contain `pytest_plugins = ["resources.pytest_plugin"]`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import Holder


@pytest.fixture
def mint_token() -> Iterator[Callable[..., str]]:
    """Yield a function that mints tokens, as in `mint_token("notes:read", sub=…)`. The API accepts them in the test."""
    # Imported here: pytest loads an installed plugin in every project, including projects without Django settings.
    from . import testing  # noqa: PLC0415

    with testing.pinned():
        yield testing.mint


@pytest.fixture
def token_holder() -> "Holder":
    """Return a client with a key of its own.

    `mint_token("notes:read", cnf=token_holder.cnf)` returns a token that is bound to the key.
    """
    from . import testing  # noqa: PLC0415

    return testing.Holder()
