"""Triggers that refuse a change of a row, for rules that compare the old row with the new one.

Rules that need only the new row are CHECK constraints of the models.
"""

from collections.abc import Mapping
from typing import Literal

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.search_path import FIX_SEARCH_PATH
from tokens.triggers.statements import Statements

Event = Literal["UPDATE", "DELETE", "TRUNCATE"]
CLOCKS = {
    "postgresql": {"{now}": "clock_timestamp()", "{began}": "transaction_timestamp()"},
    "sqlite": {
        "{now}": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        # SQLite does not keep the start of a transaction. No rotation step takes longer than a minute.
        "{began}": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 minute')",
    },
}
"""For each vendor, the SQL of the placeholders: the database's clock, and the start of the current transaction."""

POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION keyturn_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
POSTGRESQL_READING_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {when} THEN
        RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""


def refuse(
    name: str, *, event: Event, table: str, message: str, when: str | Mapping[str, str] = "", reading: bool = False
) -> Statements:
    """Return an operation that makes the database refuse `event` on `table` with an IntegrityError.

    `when` is an SQL condition on OLD and NEW, or a mapping with a condition for each vendor; "" refuses always.
    `message` is the text of the error. `reading` must be True if the condition reads other rows.
    TRUNCATE is refused on PostgreSQL only; SQLite has no such statement.
    """

    def create(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        drop(state, editor)  # a later migration can replace the rule by a rule with the same name
        vendor, condition = editor.connection.vendor, _condition(editor.connection.vendor, when)
        if reading and vendor == "postgresql":
            statements = _create_reading(name, table, message, condition)
        else:
            statements = _create(vendor, name, event, table, message, condition)
        for statement in statements:
            editor.execute(statement, params=None)

    def drop(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
        editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")

    return Statements(create, drop)


def refuse_replacing(name: str, *, table: str, unique: tuple[str, ...], message: str) -> Statements:
    """Return an operation that makes SQLite refuse INSERT OR REPLACE on `table` if it would replace a row.

    INSERT OR REPLACE deletes a row that has the same value in one of the `unique` columns. The DELETE triggers run only
    if SQLite's `recursive_triggers` is on, so they cannot refuse the replacement.
    """
    same = " OR ".join(f"{column} = NEW.{column}" for column in unique)

    def create(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        drop(state, editor)
        # PostgreSQL has no INSERT OR REPLACE. Its upsert is an UPDATE, which `refuse` covers.
        if editor.connection.vendor == "sqlite":
            trigger = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW"
            exists = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 (literals of a migration)
            editor.execute(f"{trigger} {exists} BEGIN SELECT RAISE(ABORT, '{message}'); END", params=None)

    def drop(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            editor.execute(f"DROP TRIGGER IF EXISTS {name}")

    return Statements(create, drop)


def changed(*columns: str) -> str:
    """Return the SQL condition that at least one of the columns changed. The condition is never NULL."""
    # `<>` is NULL if one side is NULL. A NULL condition is not true, so the trigger would let the change pass.
    return " OR ".join(
        f"COALESCE(OLD.{column} <> NEW.{column}, (OLD.{column} IS NULL) <> (NEW.{column} IS NULL))"
        for column in columns
    )


def _condition(vendor: str, when: str | Mapping[str, str]) -> str:
    """Return a rule's SQL condition for the database `vendor`. If `when` is a mapping, it has a condition per vendor.

    The placeholders `{now}` (the clock) and `{began}` (the start of the transaction) are replaced by SQL (CLOCKS).
    """
    condition = when if isinstance(when, str) else when[vendor]
    for clock, expression in CLOCKS.get(vendor, {}).items():
        condition = condition.replace(clock, expression)
    return condition


def _create_reading(name: str, table: str, message: str, when: str) -> list[str]:
    """Return PostgreSQL's statements that create the trigger of a rule whose condition reads other rows."""
    # PostgreSQL permits such a condition in functions only, so the trigger calls a function.
    function = POSTGRESQL_READING_FUNCTION.format(name=name, when=when, message=message)
    trigger = f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    return [function, FIX_SEARCH_PATH.format(function=name), trigger]


def _create(vendor: str, name: str, event: Event, table: str, message: str, when: str) -> list[str]:
    """Return the SQL statements that create the trigger of a rule.

    `when` is the SQL condition under which `event` is refused; "" refuses always. Raises NotImplementedError unless
    the database `vendor` is SQLite or PostgreSQL.
    """
    if vendor == "postgresql":
        each = "STATEMENT" if event == "TRUNCATE" else "ROW"
        condition = f"WHEN ({when}) " if when else ""
        trigger = (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} {condition}"
            f"EXECUTE FUNCTION keyturn_refuse('{message}')"
        )
        return [POSTGRESQL_FUNCTION, FIX_SEARCH_PATH.format(function="keyturn_refuse"), trigger]
    if vendor == "sqlite":
        condition = f"WHEN {when} " if when else ""
        trigger = f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {condition}"
        return [] if event == "TRUNCATE" else [f"{trigger}BEGIN SELECT RAISE(ABORT, '{message}'); END"]
    raise NotImplementedError(f"Keyturn supports SQLite and PostgreSQL, not {vendor}: it cannot create its triggers.")
