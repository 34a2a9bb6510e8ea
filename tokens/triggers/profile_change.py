"""A database trigger that records when a user's name or e-mail address last changed.

The column is `User.profile_changed_at`, from which the claim `updated_at` gets its value.
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.search_path import FIX_SEARCH_PATH
from tokens.triggers.statements import Statements

COLUMNS = ("username", "first_name", "last_name", "email")
POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION keyturn_profile_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.profile_changed_at := clock_timestamp();
    RETURN NEW;
END $$
"""
SQLITE_NOW = "UPDATE tokens_user SET profile_changed_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id"


def date_profile_changes() -> Statements:
    """Return an operation that makes the database record the time of each change of a user's name or e-mail address."""
    name = "tokens_user_profile_changed"
    event = f"UPDATE OF {', '.join(COLUMNS)} ON tokens_user FOR EACH ROW"

    def create(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        drop(state, editor)
        is_postgresql = editor.connection.vendor == "postgresql"
        differs = "IS DISTINCT FROM" if is_postgresql else "IS NOT"
        condition = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in COLUMNS)
        if is_postgresql:
            editor.execute(POSTGRESQL_FUNCTION, params=None)
            editor.execute(FIX_SEARCH_PATH.format(function="keyturn_profile_changed"), params=None)
            trigger = f"CREATE TRIGGER {name} BEFORE {event} WHEN ({condition})"
            editor.execute(f"{trigger} EXECUTE FUNCTION keyturn_profile_changed()", params=None)
        else:
            # A trigger of SQLite cannot assign to NEW, so it updates the row afterwards.
            trigger = f"CREATE TRIGGER {name} AFTER {event} WHEN ({condition})"
            editor.execute(f"{trigger} BEGIN {SQLITE_NOW}; END", params=None)

    def drop(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        on = " ON tokens_user" if editor.connection.vendor == "postgresql" else ""
        editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")

    return Statements(create, drop)
