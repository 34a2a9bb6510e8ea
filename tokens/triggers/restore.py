"""A trigger that deletes the old row before an INSERT with the same id, so that pg_restore can copy the row.

The old row is there because triggers of other tables wrote it earlier in the same restore.
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.search_path import FIX_SEARCH_PATH
from tokens.triggers.statements import Statements

POSTGRESQL_REPLACE_FUNCTION = """
CREATE OR REPLACE FUNCTION keyturn_replace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.%I WHERE id = $1.id', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW;
    RETURN NEW;
END $$
"""


def replace_inserted(name: str, *, table: str) -> Statements:
    """Return an operation that makes an INSERT into `table` replace the row with the same id (PostgreSQL only)."""
    # A restore of data alone (pg_restore --data-only) fires the triggers of the tables that it copies first. These
    # triggers write a row into `table`. Without this trigger, the COPY of the restored row would fail.

    def create(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        drop(state, editor)
        if editor.connection.vendor == "postgresql":
            trigger = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION keyturn_replace()"
            bound = FIX_SEARCH_PATH.format(function="keyturn_replace")
            for statement in (POSTGRESQL_REPLACE_FUNCTION, bound, trigger):
                editor.execute(statement, params=None)

    def drop(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")

    return Statements(create, drop)
