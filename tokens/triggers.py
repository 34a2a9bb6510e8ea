"""Rules that need the old row, kept by the database itself: triggers, as migration operations.

SQLite forgets a table's triggers when a later migration rebuilds the table: repeat the operation after such a step.
"""

from typing import Any, Literal

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

Event = Literal["UPDATE", "DELETE", "TRUNCATE"]

POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION keyturn_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def refuse(name: str, *, event: Event, table: str, message: str, when: str = "") -> RunPython:
    """An operation that makes the database refuse `event` on `table` with an IntegrityError.

    Arguments are written into SQL as they are and must be literals: `when` is a condition on OLD and NEW that both
    databases read alike, `message` says what is refused. TRUNCATE exists on PostgreSQL only.
    """

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        drop(apps, editor)  # an earlier one of this name is replaced
        for statement in _create(editor.connection.vendor, name, event, table, message, when):
            editor.execute(statement, params=None)

    def drop(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
        editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")

    return RunPython(create, drop)


def _create(vendor: str, name: str, event: Event, table: str, message: str, when: str) -> list[str]:
    if vendor == "postgresql":
        each = "STATEMENT" if event == "TRUNCATE" else "ROW"
        condition = f"WHEN ({when}) " if when else ""
        trigger = (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} {condition}"
            f"EXECUTE FUNCTION keyturn_refuse('{message}')"
        )
        return [POSTGRESQL_FUNCTION, trigger]
    if vendor == "sqlite":
        condition = f"WHEN {when} " if when else ""
        trigger = f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {condition}"
        return [] if event == "TRUNCATE" else [f"{trigger}BEGIN SELECT RAISE(ABORT, '{message}'); END"]
    raise NotImplementedError(f"Keyturn's rules are kept on SQLite and PostgreSQL, not on {vendor}.")
