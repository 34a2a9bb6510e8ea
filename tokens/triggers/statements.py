"""A migration operation that runs SQL statements. It reads the project's state without rendering the models.

`RunPython` renders every model of the project for its argument `apps`, which took two fifths of the time of `migrate`.
"""

from collections.abc import Callable

from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

Code = Callable[[ProjectState, BaseDatabaseSchemaEditor], None]


class Statements(Operation):
    """Migration operation that calls a function: `forwards` if the migration is applied, `backwards` if it is reverted.

    Each function gets the state of the project and the schema editor.
    """

    reduces_to_sql = False

    def __init__(self, forwards: Code, backwards: Code) -> None:
        self.forwards, self.backwards = forwards, backwards

    def state_forwards(self, _app_label: str, _state: ProjectState) -> None:
        """Change nothing: the models stay as they are."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, _to_state: ProjectState
    ) -> None:
        """Run `self.forwards`, unless Django's database routers exclude the app from this database."""
        _run(self.forwards, app_label, schema_editor, from_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, _to_state: ProjectState
    ) -> None:
        """Run `self.backwards`, unless Django's database routers exclude the app from this database."""
        _run(self.backwards, app_label, schema_editor, from_state)

    def last_backwards(self) -> "Statements":
        """Return an operation that calls `self.forwards` if the migration is reverted, else does nothing.

        Place the returned operation before the operations that change columns. Django reverts operations in reverse
        order, so the returned operation then runs last.
        """
        return Statements(nothing, self.forwards)


def nothing(_state: ProjectState, _editor: BaseDatabaseSchemaEditor) -> None:
    """Run no statement: for an operation that has nothing to do in one direction (applied or reverted)."""


def _run(code: Code, app_label: str, editor: BaseDatabaseSchemaEditor, state: ProjectState) -> None:
    if router.allow_migrate(editor.connection.alias, app_label):
        code(state, editor)


def table_of(state: ProjectState, model: str) -> str:
    """Return the name of the table of a model of the issuer.

    `model` can also name a many-to-many table: `Client_scopes` is the table of the field `Client.scopes`.
    """
    name, _, field = model.lower().partition("_")
    table = state.models["tokens", name].options.get("db_table") or f"tokens_{name}"
    return f"{table}_{field}" if field else str(table)


def columns(state: ProjectState, model: str) -> list[str]:
    """Return the names of the columns of a model's table.

    As for `table_of`, `model` can also name a many-to-many table.
    """
    name, _, many = model.lower().partition("_")
    fields = state.models["tokens", name].fields
    if many:
        related = str(fields[many].related_model)  # "tokens.scope"
        return ["id", f"{name}_id", f"{related.lower().rpartition('.')[2]}_id"]
    return [
        field.db_column or (f"{name}_id" if field.is_relation else name)
        for name, field in fields.items()
        if not field.many_to_many
    ]
