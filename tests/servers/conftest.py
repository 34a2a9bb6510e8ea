"""The issuer of all these tests, and the row that a module's tests fill."""

from collections.abc import Iterator

import pytest

from tests.servers import table
from tests.servers.issuer import Issuer, serving


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with serving(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def row() -> Iterator[dict[str, str]]:
    """The cells of the module's row in the table. The row is compared once every test of the module filled its own."""
    cells: dict[str, str] = {}
    yield cells
    if (line := table.row(cells)) is not None:
        table.settle(line)
