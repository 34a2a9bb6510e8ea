"""The rules about signing keys that the PostgreSQL database itself enforces.

For each rule, the tests run statements that only this rule refuses. All rules allow the statements of rotation steps.
"""

from collections.abc import Iterator

import psycopg
import pytest

from tests.services.conftest import Issuer
from tests.tokens.keys.row_rule import SELECT_RULES, Rule, drop, names
from tests.tokens.keys.row_rules import ALLOWED, RULES, aside, expected
from tests.tokens.keys.rows import ROWS, written

pytestmark = pytest.mark.services
VENDOR = "postgresql"
HERE = [pytest.param(rule, id=rule.name) for rule in RULES if VENDOR in rule.vendors]


@pytest.fixture
def connection(module_issuer: Issuer) -> Iterator[psycopg.Connection]:
    """Yield a connection with an open transaction that has created a key in every state. Roll back afterwards."""
    with psycopg.connect(module_issuer.variables["DATABASE_URL"]) as connection:
        execute(connection, *ROWS, "SET CONSTRAINTS ALL IMMEDIATE")
        yield connection
        connection.rollback()


def execute(connection: psycopg.Connection, *statements: str) -> int:
    rows = 0
    for statement in statements:
        rows = connection.execute(written(statement, VENDOR)).rowcount  # type: ignore[call-overload]
    return rows


@pytest.mark.parametrize("rule", HERE)
def test_each_rule_refuses_its_statements_with_its_message(connection: psycopg.Connection, rule: Rule) -> None:
    execute(connection, *aside(rule, VENDOR))
    for statement in rule.statements:
        with pytest.raises(psycopg.errors.IntegrityError, match=rule.message(VENDOR)), connection.transaction():
            execute(connection, statement)


@pytest.mark.parametrize("rule", HERE)
def test_no_other_rule_refuses_it(connection: psycopg.Connection, rule: Rule) -> None:
    execute(connection, *aside(rule, VENDOR), *drop(rule, VENDOR))
    for statement in rule.statements:
        with connection.transaction(force_rollback=True):
            assert execute(connection, statement)


@pytest.mark.parametrize("statement", ALLOWED)
def test_what_steps_write_passes(connection: psycopg.Connection, statement: str) -> None:
    assert execute(connection, statement) == 1


def test_there_is_no_rule_without_such_a_statement(connection: psycopg.Connection) -> None:
    rows = connection.execute(SELECT_RULES[VENDOR]).fetchall()
    assert names(name for (name,) in rows) == expected(VENDOR)
