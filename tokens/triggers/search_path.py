"""Binds PostgreSQL's trigger functions to the schema of the issuer's tables.

Without this binding, a function resolves table names by the search_path of its caller. pg_restore uses an empty
search_path, under which the functions fail. With another search_path, a role could make the functions use a table of
its own instead of the issuer's.
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.statements import Statements, nothing

FIX_SEARCH_PATH = """
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION {function}() SET search_path = %I, pg_temp', current_schema());
END $$
"""
"""Binds one function. pg_temp is listed last, because PostgreSQL searches it first if it is not listed."""

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


def fix_search_paths() -> Statements:
    """Return an operation that binds the functions of all existing triggers to their schema (PostgreSQL only)."""

    def fix(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(FIX_EVERY_SEARCH_PATH, params=None)

    return Statements(fix, nothing)
