"""Triggers that renew the version of the registry with every change of its tables (models.RegistryVersion).

- Each process caches the registry (clients, secrets, APIs, scopes, policies) together with its version.
- The version is random. So the version of a transaction that was rolled back is never used again for other contents.
- The version is a single row. So transactions that change the registry wait for each other (tokens/registry_lock.py).
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.search_path import FIX_SEARCH_PATH
from tokens.triggers.statements import Statements, columns, table_of

VERSION = {
    "postgresql": "gen_random_uuid()::text",
    "sqlite": "lower(hex(randomblob(16)))",
}
NEW_VERSION = """
INSERT INTO tokens_registryversion (id, value) VALUES (1, {value})
ON CONFLICT (id) DO UPDATE SET value = excluded.value"""
POSTGRESQL_VERSION_FUNCTION = f"""
CREATE OR REPLACE FUNCTION keyturn_registry_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {NEW_VERSION.format(value=VERSION["postgresql"])};
    RETURN NULL;
END $$
"""


def registry(*, model: str, unless: frozenset[str] = frozenset()) -> Statements:
    """Return an operation that makes every change of `model`'s table renew the version of the registry.

    A change of the columns in `unless` alone does not renew the version. Repeat the operation if a migration adds a
    column to the table, because the UPDATE trigger names the columns that the table had when the trigger was created.
    """

    def create(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        drop(state, editor)
        watched = [column for column in columns(state, model) if column not in unless]
        for statement in _statements(editor.connection.vendor, table_of(state, model), watched):
            editor.execute(statement, params=None)

    def drop(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        table = table_of(state, model)
        # A trigger of SQLite has a single event, so there are three triggers.
        endings = ("",) if editor.connection.vendor == "postgresql" else ("_insert", "_update", "_delete")
        on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
        for ending in endings:
            editor.execute(f"DROP TRIGGER IF EXISTS {table}_registered{ending}{on}")

    return Statements(create, drop)


def _statements(vendor: str, table: str, columns: list[str]) -> list[str]:
    """Return the statements that create the triggers of `table`.

    An UPDATE renews the version only if it sets one of `columns`.
    """
    update = f"UPDATE OF {', '.join(columns)}"
    if vendor == "postgresql":
        trigger = (
            f"CREATE TRIGGER {table}_registered AFTER INSERT OR {update} OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION keyturn_registry_changed()"
        )
        return [POSTGRESQL_VERSION_FUNCTION, FIX_SEARCH_PATH.format(function="keyturn_registry_changed"), trigger]
    events = {"insert": "INSERT", "update": update, "delete": "DELETE"}
    version = NEW_VERSION.format(value=VERSION["sqlite"])
    return [
        f"CREATE TRIGGER {table}_registered_{name} AFTER {event} ON {table} FOR EACH ROW BEGIN {version}; END"
        for name, event in events.items()
    ]
