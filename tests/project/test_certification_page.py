"""docs/certification.md has a row for each module of the OpenID certification plans.

The rows are made from the docstrings of the tests.
"""

import pytest

from tests.conformance import table


def test_the_tables_are_written_from_the_tests() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page(), "run python -m tests.conformance.table"


def test_the_plans_have_as_many_modules_as_the_suite() -> None:
    assert [len(modules) for _, modules in table.PLANS.values()] == [1, 35, 11, 2, 56]


@pytest.mark.parametrize("plan", table.PLANS)
def test_every_test_of_a_module_says_what_it_asserts(plan: str) -> None:
    files, _ = table.PLANS[plan]
    said = [docstring for file in files for docstring in table.docstrings(file).items()]
    assert [name for name, text in said if not text.endswith(".")] == []
