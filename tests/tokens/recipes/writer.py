"""Writes the documentation pages about recipes into docs/: python -m tests.tokens.recipes.writer."""

from collections.abc import Iterable
from pathlib import Path

from tokens.recipes import catalog, markdown, overview
from tokens.recipes.schema import Recipe

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FOLDERS = (ROOT / "docs" / "clients", ROOT / "docs" / "resource-servers")
OVERVIEW = ROOT / "docs" / "recipes.md"
START, END = "<!-- The table is written by tests.tokens.recipes.writer. -->\n", "<!-- End of the table. -->\n"
REMEDY = "the page is written from tokens/recipes/programs: run python -m tests.tokens.recipes.writer"


def page_of(recipe: Recipe) -> tuple[Path, str]:
    """Return the path and the text of the documentation page about a recipe."""
    return ROOT / "docs" / markdown.folder(recipe) / f"{recipe.name}.md", markdown.page(recipe)


def overview_text(recipes: Iterable[Recipe]) -> str:
    """Return the text of docs/recipes.md, with the table of the recipes."""
    before, _, rest = OVERVIEW.read_text(encoding="utf-8").partition(START)
    return before + START + overview.table(recipes) + END + rest.partition(END)[2]


if __name__ == "__main__":
    for recipe in catalog.recipes().values():
        path, text = page_of(recipe)
        path.write_text(text, encoding="utf-8")
    OVERVIEW.write_text(overview_text(catalog.recipes().values()), encoding="utf-8")
