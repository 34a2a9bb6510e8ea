"""Reading the tables and columns of a migration's state.

The models of the state are not rendered, because that is slow.
"""

import pytest
from django.apps import apps
from django.db.migrations.state import ProjectState

from tokens.triggers.statements import Statements, columns, table_of

MODELS = ("Api", "Client", "ClientSecret", "ExchangePolicy", "Scope", "User", "Client_scopes", "ExchangePolicy_scopes")


@pytest.fixture(scope="module")
def state() -> ProjectState:
    return ProjectState.from_apps(apps)


@pytest.mark.parametrize("model", MODELS)
def test_a_table_and_its_columns_are_those_of_the_rendered_model(state: ProjectState, model: str) -> None:
    meta = apps.get_model("tokens", model)._meta
    assert table_of(state, model) == meta.db_table
    assert sorted(columns(state, model)) == sorted(field.column for field in meta.concrete_fields)


def test_nothing_is_rendered(state: ProjectState) -> None:
    columns(state, "Client")
    assert "apps" not in vars(state)


def test_the_last_step_backwards_does_nothing_forwards() -> None:
    calls: list[str] = []
    operation = Statements(lambda _state, _editor: calls.append("work"), lambda _state, _editor: None).last_backwards()
    operation.forwards(None, None)  # type: ignore[arg-type]
    assert calls == []
    operation.backwards(None, None)  # type: ignore[arg-type]
    assert calls == ["work"]
