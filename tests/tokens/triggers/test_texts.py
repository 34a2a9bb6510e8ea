"""Changing texts of fields in a migration without rendering the models."""

import pytest
from django.db import connection, models
from django.db.migrations import AlterField
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

from tokens.triggers.texts import AlterTexts

REWORDED = ("tokens", "0042_help_texts")


@pytest.fixture
def state() -> ProjectState:
    project = ProjectState()
    project.add_model(
        ModelState("tokens", "Dog", [("id", models.AutoField(primary_key=True)), ("name", models.TextField())])
    )
    return project


def renamed() -> AlterField:
    return AlterField("dog", "name", models.TextField(help_text="What its owner calls."))


def test_the_field_of_the_state_and_of_its_rendered_model_has_the_new_text(state: ProjectState) -> None:
    assert state.apps.get_model("tokens", "Dog")._meta.get_field("name").help_text == ""
    AlterTexts(renamed()).state_forwards("tokens", state)
    assert state.models["tokens", "dog"].fields["name"].help_text == "What its owner calls."
    assert state.apps.get_model("tokens", "Dog")._meta.get_field("name").help_text == "What its owner calls."


def test_no_model_is_rendered_for_it(state: ProjectState) -> None:
    assert state.apps.get_model("tokens", "Dog")
    AlterTexts(renamed(), renamed()).state_forwards("tokens", state)
    assert "apps" not in vars(state)


def test_no_statement_would_alter_a_column_of_the_reworded_fields() -> None:
    loader = MigrationLoader(None)
    before, after = (loader.project_state(REWORDED, at_end=at_end).apps for at_end in (False, True))
    operation = next(
        operation for operation in loader.graph.nodes[REWORDED].operations if isinstance(operation, AlterTexts)
    )
    assert len(operation.fields) > 60
    editor = connection.schema_editor()
    for change in operation.fields:
        old, new = (
            apps.get_model("tokens", change.model_name)._meta.get_field(change.name) for apps in (before, after)
        )
        assert not editor._field_should_be_altered(old, new), f"{change.model_name}.{change.name}"
