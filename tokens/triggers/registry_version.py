"""Triggers that renew the version of the registry with every change of its tables (models.RegistryVersion).

- Each process caches the registry (clients, secrets, APIs, scopes, policies) under its version.
- The version is random, so a transaction that is rolled back never leaves a version that another one draws again.
- All versions are one row. So transactions that change the registry wait for each other (tokens/registry_lock.py).
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

from tokens.triggers.search_path import FIX_SEARCH_PATH

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


def registry(*, model: str, unless: frozenset[str] = frozenset()) -> RunPython:
    """Return an operation that makes every change of `model`'s table renew the version of the registry.

    A change of the `unless` columns alone renews nothing.
    Repeat it after a migration that adds a column: the UPDATE trigger names the columns that the table has now.
    """

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        drop(apps, editor)
        meta = apps.get_model("tokens", model)._meta
        columns = [field.column for field in meta.concrete_fields if field.column not in unless]
        for statement in _statements(editor.connection.vendor, meta.db_table, columns):
            editor.execute(statement, params=None)

    def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model("tokens", model)._meta.db_table
        # SQLite has one event in a trigger, so there are three.
        endings = ("",) if editor.connection.vendor == "postgresql" else ("_insert", "_update", "_delete")
        on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
        for ending in endings:
            editor.execute(f"DROP TRIGGER IF EXISTS {table}_registered{ending}{on}")

    return RunPython(create, drop)


def _statements(vendor: str, table: str, columns: list[str]) -> list[str]:
    """Return the statements that create the triggers. An UPDATE of other columns than `columns` fires none."""
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
