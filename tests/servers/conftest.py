"""Fixtures: the issuer of all tests in this folder, and the row of a test module in the documentation's table."""

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
    """Yield a dict for the cells of the test module's row in the table of docs/resource-servers/README.md.

    The tests of the module fill in the cells. If all cells are filled in after the last test, the row is compared with
    the documentation.
    """
    cells: dict[str, str] = {}
    yield cells
    if (line := table.row(cells)) is not None:
        table.settle(line)
