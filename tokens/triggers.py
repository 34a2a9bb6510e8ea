"""What the database itself sees to, whoever writes: rules that need the old row, and the registry's version.

SQLite forgets a table's triggers when a later migration rebuilds the table: repeat the operation after such a step.
"""

from collections.abc import Mapping
from typing import Any, Literal

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

Event = Literal["UPDATE", "DELETE", "TRUNCATE"]
CLOCKS = {
    "postgresql": {"{now}": "clock_timestamp()", "{began}": "transaction_timestamp()"},
    "sqlite": {
        "{now}": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        "{began}": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 minute')",
    },
}
"""What a condition calls the database's clock: now, and when the transaction began, which a step counts from.

SQLite does not keep the latter: there it is a minute ago, and no step takes longer.
"""

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

FIX_SEARCH_PATH = """
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION {function}() SET search_path = %I, pg_temp', current_schema());
END $$
"""
"""Bind a trigger function to the schema of the tables, so that it finds them under any search_path of its caller.

pg_restore uses an empty search_path. Under another one, a role could put its own table before the issuer's.
"""


def refuse(
    name: str,
    *,
    event: Event,
    table: str,
    message: str,
    when: str | Mapping[str, str] = "",
    reading: bool = False,
) -> RunPython:
    """An operation that makes the database refuse `event` on `table` with an IntegrityError.

    Arguments are written into SQL as they are and must be literals: `when` is a condition on OLD and NEW that both
    databases read alike, or one for each; `message` says what is refused; `reading`, that the condition reads rows,
    which PostgreSQL lets a function do only. TRUNCATE exists on PostgreSQL only.
    """

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        drop(apps, editor)  # an earlier one of this name is replaced
        vendor = editor.connection.vendor
        condition = _condition(vendor, when)
        statements = (
            _create_reading(name, table, message, condition)
            if reading and vendor == "postgresql"
            else _create(vendor, name, event, table, message, condition)
        )
        for statement in statements:
            editor.execute(statement, params=None)

    def drop(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
        editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")

    return RunPython(create, drop)


def refuse_replacing(name: str, *, table: str, unique: tuple[str, ...], message: str) -> RunPython:
    """An operation that makes SQLite refuse INSERT OR REPLACE on `table`, which deletes and calls no trigger for it.

    PostgreSQL has no such statement: there an upsert is an UPDATE, and refused as one.
    """
    same = " OR ".join(f"{column} = NEW.{column}" for column in unique)

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        drop(apps, editor)
        if editor.connection.vendor == "sqlite":
            trigger = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW"
            there = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 (literals of a migration)
            editor.execute(f"{trigger} {there} BEGIN SELECT RAISE(ABORT, '{message}'); END", params=None)

    def drop(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            editor.execute(f"DROP TRIGGER IF EXISTS {name}")

    return RunPython(create, drop)


def changed(*columns: str) -> str:
    """The condition that any of the columns changed; never NULL."""
    return " OR ".join(
        f"COALESCE(OLD.{column} <> NEW.{column}, (OLD.{column} IS NULL) <> (NEW.{column} IS NULL))"
        for column in columns
    )


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
    """An operation by which every change of `model`'s table draws a new version of the registry.

    A change of the `unless` columns alone does not. Repeat it after a migration that adds a column to the table.
    """

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        drop(apps, editor)
        meta = apps.get_model("tokens", model)._meta
        columns = [field.column for field in meta.concrete_fields if field.column not in unless]
        for statement in _registry(editor.connection.vendor, meta.db_table, columns):
            editor.execute(statement, params=None)

    def drop(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        table = apps.get_model("tokens", model)._meta.db_table
        names = ("",) if editor.connection.vendor == "postgresql" else ("_insert", "_update", "_delete")
        on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
        for name in names:
            editor.execute(f"DROP TRIGGER IF EXISTS {table}_registered{name}{on}")

    return RunPython(create, drop)


def _registry(vendor: str, table: str, columns: list[str]) -> list[str]:
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


POSTGRESQL_REPLACE_FUNCTION = """
CREATE OR REPLACE FUNCTION keyturn_replace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.%I WHERE id = $1.id', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW;
    RETURN NEW;
END $$
"""


def replace_inserted(name: str, *, table: str) -> RunPython:
    """Return an operation that makes an INSERT into `table` replace the row of the same id (PostgreSQL only).

    Triggers of other tables write a row that pg_restore then copies again, and its COPY would fail.
    """

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        drop(apps, editor)
        if editor.connection.vendor == "postgresql":
            trigger = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION keyturn_replace()"
            for one in (POSTGRESQL_REPLACE_FUNCTION, FIX_SEARCH_PATH.format(function="keyturn_replace"), trigger):
                editor.execute(one, params=None)

    def drop(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")

    return RunPython(create, drop)


FIX_EVERY_SEARCH_PATH = """
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT DISTINCT t.tgfoid::regprocedure FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE NOT t.tgisinternal AND c.relname LIKE 'tokens\\_%' AND c.relnamespace = current_schema()::regnamespace
        AND p.pronamespace = c.relnamespace
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', function, current_schema());
    END LOOP;
END $$
"""


def fix_search_paths() -> RunPython:
    """Return an operation that binds the functions of all existing triggers to their schema (PostgreSQL only)."""

    def fix(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(FIX_EVERY_SEARCH_PATH, params=None)

    return RunPython(fix, RunPython.noop)


def bound_lock_wait(seconds: int = 3) -> RunPython:
    """Return an operation that ends this migration if it waits longer than `seconds` for a lock (PostgreSQL only).

    Put it first. A statement that waits for a lock makes every later request on the table wait behind it.
    """

    def bound(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            local = "LOCAL " if editor.connection.in_atomic_block else ""  # without a transaction LOCAL has no effect
            editor.execute(f"SET {local}lock_timeout = '{seconds}s'", params=None)

    return RunPython(bound, bound)


POSTGRESQL_EPOCH_FUNCTION = """
CREATE OR REPLACE FUNCTION keyturn_user_disabled() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.session_epoch := gen_random_uuid();
    RETURN NEW;
END $$
"""


SQLITE_EPOCH = "UPDATE tokens_user SET session_epoch = lower(hex(randomblob(16))) WHERE id = NEW.id"


def end_sessions_of_disabled_users() -> RunPython:
    """Return an operation that makes the database draw a new session epoch for a user who is disabled, also by SQL."""
    name, disabled = "tokens_user_disabled", "WHEN (OLD.is_active AND NOT NEW.is_active)"

    def create(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        drop(apps, editor)
        if editor.connection.vendor == "postgresql":
            editor.execute(POSTGRESQL_EPOCH_FUNCTION, params=None)
            trigger = f"CREATE TRIGGER {name} BEFORE UPDATE OF is_active ON tokens_user FOR EACH ROW {disabled}"
            editor.execute(f"{trigger} EXECUTE FUNCTION keyturn_user_disabled()", params=None)
        else:
            trigger = f"CREATE TRIGGER {name} AFTER UPDATE OF is_active ON tokens_user FOR EACH ROW {disabled}"
            editor.execute(f"{trigger} BEGIN {SQLITE_EPOCH}; END", params=None)

    def drop(_apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        on = " ON tokens_user" if editor.connection.vendor == "postgresql" else ""
        editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")

    return RunPython(create, drop)


def _condition(vendor: str, when: str | Mapping[str, str]) -> str:
    condition = when if isinstance(when, str) else when[vendor]
    for clock, expression in CLOCKS.get(vendor, {}).items():
        condition = condition.replace(clock, expression)
    return condition


def _create_reading(name: str, table: str, message: str, when: str) -> list[str]:
    function = POSTGRESQL_READING_FUNCTION.format(name=name, when=when, message=message)
    trigger = f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    return [function, FIX_SEARCH_PATH.format(function=name), trigger]


def _create(vendor: str, name: str, event: Event, table: str, message: str, when: str) -> list[str]:
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
    raise NotImplementedError(f"Keyturn's rules are kept on SQLite and PostgreSQL, not on {vendor}.")
