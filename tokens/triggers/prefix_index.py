"""Creates or drops indexes that only PostgreSQL has.

These are indexes for prefix searches in any collation, partial indexes, and the indexes that Django adds for LIKE.

SQLite gets none of these indexes, because SQLite is for development. SQLite would also drop such an index if a
migration rebuilt the table, because the index is not in the model's state.
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from tokens.triggers.statements import Statements


def index_concurrently(name: str, *, table: str, columns: str, where: str = "") -> Statements:
    """Return an operation that creates an index without blocking writes. The migration needs `atomic = False`.

    `columns` is the SQL list of columns with their operator classes, and `where` is the SQL condition of a partial
    index. An invalid index from an interrupted run is replaced.
    """
    condition = f" WHERE {where}" if where else ""

    def drop(_state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", params=None)

    def create(state: ProjectState, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            drop(state, editor)
            statement = f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns}){condition}"
            editor.execute(statement, params=None)

    return Statements(create, drop)


def drop_like_index(name: str, *, table: str, column: str) -> Statements:
    """Return an operation that drops the index `name`, which Django adds to a unique text column for LIKE 'text%'.

    Does not block writes. The migration needs `atomic = False`.
    """
    created = index_concurrently(name, table=table, columns=f"{column} varchar_pattern_ops")
    return Statements(created.backwards, created.forwards)
