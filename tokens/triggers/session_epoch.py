"""A trigger that ends the sessions and grants of a user who is disabled, even by plain SQL (models.User)."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.statements import Statements

POSTGRESQL_EPOCH_FUNCTION = """
CREATE OR REPLACE FUNCTION keyturn_user_disabled() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.session_epoch := gen_random_uuid();
    RETURN NEW;
END $$
"""
SQLITE_EPOCH = "UPDATE tokens_user SET session_epoch = lower(hex(randomblob(16))) WHERE id = NEW.id"


def end_sessions_of_disabled_users() -> Statements:
    """Return an operation that makes the database renew a user's session epoch when the user is disabled.

    A session or grant stores the epoch of its login, and ends when the user gets another epoch.
    """
    name, disabled = "tokens_user_disabled", "WHEN (OLD.is_active AND NOT NEW.is_active)"

    def create(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        drop(state, editor)
        if editor.connection.vendor == "postgresql":
            editor.execute(POSTGRESQL_EPOCH_FUNCTION, params=None)
            trigger = f"CREATE TRIGGER {name} BEFORE UPDATE OF is_active ON tokens_user FOR EACH ROW {disabled}"
            editor.execute(f"{trigger} EXECUTE FUNCTION keyturn_user_disabled()", params=None)
        else:
            # A trigger of SQLite cannot assign to NEW, so it updates the row afterwards.
            trigger = f"CREATE TRIGGER {name} AFTER UPDATE OF is_active ON tokens_user FOR EACH ROW {disabled}"
            editor.execute(f"{trigger} BEGIN {SQLITE_EPOCH}; END", params=None)

    def drop(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        on = " ON tokens_user" if editor.connection.vendor == "postgresql" else ""
        editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")

    return Statements(create, drop)
