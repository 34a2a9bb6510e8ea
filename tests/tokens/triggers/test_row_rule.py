"""The database's own rules about keys.

For each rule, there are SQL statements that it refuses, and that pass without it. Other rules that refuse the same
statements are dropped for the test. The statements of rotation steps pass all rules.
"""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection, transaction

from tests.tokens.keys.row_rule import SELECT_RULES, Rule, drop, names
from tests.tokens.keys.row_rules import ALLOWED, RULES, aside, expected
from tests.tokens.keys.rows import AUDIT, FREE, OLD, RING, ROWS, STANDBY, key, written

pytestmark = pytest.mark.django_db
VENDOR = connection.vendor
HERE = [pytest.param(rule, id=rule.name) for rule in RULES if VENDOR in rule.vendors]


@pytest.fixture(autouse=True)
def rows() -> Iterator[None]:
    """Insert a key in every state, over a connection with the database's default settings, not this project's."""
    execute("PRAGMA recursive_triggers = OFF", *ROWS)
    if VENDOR == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE")  # what waits for the commit forbids to change a table
    yield
    execute("PRAGMA ignore_check_constraints = OFF", "PRAGMA recursive_triggers = ON")


def execute(*statements: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            if VENDOR == "sqlite" or not statement.startswith("PRAGMA"):
                cursor.execute(written(statement, VENDOR))
        return cursor.rowcount


@pytest.mark.parametrize("rule", HERE)
def test_each_rule_refuses_its_statements_with_its_message(rule: Rule) -> None:
    execute(*aside(rule, VENDOR))
    for statement in rule.statements:
        with pytest.raises(IntegrityError, match=rule.message(VENDOR)):
            execute(statement)


@pytest.mark.parametrize("rule", [rule for rule in HERE if rule.values[0].name in expected(VENDOR)])
def test_no_other_rule_refuses_it(rule: Rule) -> None:
    execute(*aside(rule, VENDOR), *drop(rule, VENDOR))
    for statement in rule.statements:
        with transaction.atomic():
            assert execute(statement)
            transaction.set_rollback(True)


@pytest.mark.parametrize("statement", ALLOWED)
def test_what_steps_write_passes(statement: str) -> None:
    assert execute(statement) == 1


def test_there_is_no_rule_without_such_a_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SELECT_RULES[VENDOR])
        assert names(name for (name,) in cursor.fetchall()) == expected(VENDOR)


@pytest.mark.skipif(VENDOR != "sqlite", reason="it is SQLite that replaces rows")
@pytest.mark.parametrize(
    "statement",
    [
        key(FREE, OLD, "new", into="INSERT OR REPLACE"),
        f"UPDATE OR REPLACE {RING} SET id = {FREE} WHERE id = {OLD}",
        f"UPDATE OR REPLACE tokens_signingkey SET mac = :two, signs_at = '2021-01-01' WHERE id = {STANDBY}",
        f"INSERT OR REPLACE INTO {AUDIT} SELECT * FROM {AUDIT}",
    ],
)
def test_over_a_connection_of_the_issuer_no_row_is_replaced_in_any_other_way(statement: str) -> None:
    execute("PRAGMA recursive_triggers = ON")
    with pytest.raises(IntegrityError, match=r"kept for ever|append-only|for life"):
        execute(statement)
