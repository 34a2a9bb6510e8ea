"""All recipes in one list: for the terminal, as JSON, and as the table in docs/recipes.md. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from tokens.recipes.markdown import folder
from tokens.recipes.schema import Recipe

KINDS = {"login": "logs users in", "machine": "acts for itself", "resource server": "verifies tokens"}


def summary(recipe: Recipe) -> dict[str, Any]:
    """Return a short description of a recipe, for JSON."""
    return {
        "name": recipe.name,
        "title": recipe.title,
        "kind": recipe.kind,
        "topic": recipe.topic,
        "version": recipe.version,
        "tested": bool(recipe.tests),
        "variants": list(recipe.variants),
        "less_strict": recipe.loosens or None,
    }


def listing(recipes: Iterable[Recipe]) -> Iterator[str]:
    """Yield the lines of the list that the command `recipes` prints: each topic, with its programs below it."""
    topic = None
    for recipe in sorted(recipes, key=lambda recipe: (recipe.topic, recipe.name)):
        if recipe.topic != topic:
            topic = recipe.topic
            yield f"{topic}:"
        yield f"  {recipe.name:<24} {KINDS[recipe.kind]:<16} {recipe.title}"


def table(recipes: Iterable[Recipe]) -> str:
    """Return the recipes as the Markdown table of docs/recipes.md, one row for each recipe."""
    rows = ["| program | `--for` | it | seen with | by | less strict |", "|---|---|---|---|---|---|"]
    for recipe in sorted(recipes, key=lambda recipe: (recipe.topic, recipe.name)):
        by = "a test" if recipe.tests else f"hand, {recipe.tried:%B %Y}"
        link = f"[{recipe.title}]({folder(recipe)}/{recipe.name}.md)"
        looser = "yes" if recipe.loosens else ""
        rows.append(f"| {link} | `{recipe.name}` | {KINDS[recipe.kind]} | {recipe.version} | {by} | {looser} |")
    return "\n".join(rows) + "\n"
