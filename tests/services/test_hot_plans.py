"""No request for a token, an introspection or a revocation reads a whole table: the plans in tables with many rows."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.services.conftest import migrated
from tests.services.hot_plans import MANY

pytestmark = pytest.mark.services
ROWS = 10_000
SCAN = re.compile(rf"Seq Scan on ({'|'.join(MANY)})\b")


@pytest.fixture(scope="module")
def plans() -> Iterator[dict[str, list[str]]]:
    with migrated() as issuer:
        issuer.variables["CACHE_URL"] = "locmem://"
        issuer.run("rotate_keys")
        script = f"from tests.services import hot_plans; hot_plans.main({ROWS})"
        yield json.loads(issuer.run("shell", "-v", "0", "--no-imports", "-c", script).splitlines()[-1])


@pytest.mark.parametrize("table", MANY)
def test_a_table_with_many_rows_is_read_by_an_index(plans: dict[str, list[str]], table: str) -> None:
    reading = {name: plan for name, plan in plans.items() if any(table in line for line in plan)}
    assert reading, "no statement reads it"
    assert {name: plan for name, plan in reading.items() if SCAN.search("\n".join(plan))} == {}
