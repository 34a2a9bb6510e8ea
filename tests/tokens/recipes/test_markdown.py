"""The documentation pages about known programs are written from the recipes (registrations of known programs).

They are the pages of docs/clients/ and docs/resource-servers/, and the table of docs/recipes.md. The command `python -m
tests.tokens.recipes.writer` writes them.
"""

import pytest

from tests.tokens.recipes import writer
from tokens.recipes import catalog

RECIPES = catalog.recipes()


@pytest.mark.parametrize("name", RECIPES)
def test_a_page_is_written_from_its_recipe(name):
    path, text = writer.page_of(RECIPES[name])
    assert path.read_text(encoding="utf-8") == text, writer.REMEDY


def test_no_page_lacks_a_recipe():
    written = {path.stem for folder in writer.FOLDERS for path in folder.glob("*.md")} - {"README"}
    assert written == set(RECIPES)


def test_the_table_is_written_from_the_recipes():
    assert writer.OVERVIEW.read_text(encoding="utf-8") == writer.overview_text(RECIPES.values()), writer.REMEDY


@pytest.mark.parametrize(
    "recipe", [recipe for recipe in RECIPES.values() if recipe.tests], ids=lambda recipe: recipe.name
)
def test_the_tests_of_a_recipe_are_there(recipe):
    assert [path for path in recipe.tests if not (writer.ROOT / path).exists()] == []


def test_a_resource_server_s_page_says_how_long_it_trusts():
    assert [recipe.name for recipe in RECIPES.values() if recipe.kind == "resource server" and not recipe.trust] == []
    assert [recipe.name for recipe in RECIPES.values() if not recipe.cannot] == []
