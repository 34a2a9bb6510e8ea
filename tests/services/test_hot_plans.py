"""PostgreSQL's query plans show that no token request, introspection or revocation reads a whole large table."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.services.conftest import migrated
from tests.services.hot_plans import MANY

pytestmark = pytest.mark.services
ROWS = 10_000
SCAN = re.compile(rf"Seq Scan on ({'|'.join(MANY)})\b")
PARTIAL = "codes_that_nobody_redeemed"
"""An index of few rows, which PostgreSQL can read from one end to the other."""
INDEX_SCAN = re.compile(rf"Index (?:Only )?Scan (?:Backward )?using (?!{PARTIAL})\S+ on ({'|'.join(MANY)})\b")


def reads_all(plan: list[str]) -> bool:
    """Return True if the query plan reads a large table, or an index of it, from one end to the other.

    `plan` has the lines of EXPLAIN.
    """
    unbounded = [
        line
        for line, following in zip(plan, [*plan[1:], ""], strict=True)
        if INDEX_SCAN.search(line) and "Index Cond" not in following
    ]
    return bool(unbounded) or SCAN.search("\n".join(plan)) is not None


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (["Index Scan using pk on tokens_publication", "  Index Cond: (version >= 5)"], False),
        (["Index Scan using pk on tokens_publication", "  Filter: ((version + 0) >= 5)"], True),
        (["Index Only Scan Backward using pk on tokens_publication"], True),
        (["Seq Scan on tokens_publication", "  Filter: (version >= 5)"], True),
        (["Seq Scan on tokens_revocationlog"], False),
        ([f"Index Scan using {PARTIAL} on tokens_authorizationcode", "  Filter: (digest = 'a')"], False),
    ],
)
def test_a_plan_that_reads_all_of_a_table_is_found(plan: list[str], *, expected: bool) -> None:
    assert reads_all(plan) is expected


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
    assert {name: plan for name, plan in reading.items() if reads_all(plan)} == {}
