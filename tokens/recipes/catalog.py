"""Reads the recipes in `programs/`, and those of the site's own folder (the setting RECIPES).

If both have a recipe of the same name, the recipe of the site's folder is used.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from tokens.recipes.schema import InvalidRecipe, Recipe, parse

OWN = Path(__file__).resolve().parent / "programs"


def recipes(site: Path | None = None) -> Mapping[str, Recipe]:
    """Return all recipes by name, sorted by name.

    `site` is the folder of the setting RECIPES. Raises what `read` raises.
    """
    by_name = read(OWN) | (read(site) if site is not None else {})
    return dict(sorted(by_name.items()))


def read(folder: Path) -> dict[str, Recipe]:
    """Read all recipe files in `folder`. Return the recipes by name.

    Raises InvalidRecipe if there is no such folder, or if a file is malformed or cannot be read.
    """
    if not folder.is_dir():
        raise InvalidRecipe(f"there is no folder {folder} for recipes")
    return {path.stem: _recipe(path) for path in sorted(folder.glob("*.toml"))}


def find(name: str, site: Path | None = None) -> Recipe:
    """Return the recipe with this name. If there is none, raises InvalidRecipe, which names similar recipes.

    `site` is the folder of the setting RECIPES, or None.
    """
    by_name = recipes(site)
    if name in by_name:
        return by_name[name]
    similar = [other for other in by_name if name and (name in other or other in name)]
    hint = f"Did you mean {', '.join(similar)}? " if similar else ""
    raise InvalidRecipe(f"there is no recipe {name}. {hint}To list them, run: manage.py recipes")


def _recipe(path: Path) -> Recipe:
    try:
        return _parsed(path.stem, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRecipe(f"{path.name} cannot be read: {error}") from error


@lru_cache(maxsize=512)
def _parsed(name: str, text: str) -> Recipe:
    """Return the recipe in `text`. The result is cached for each `text`, so a changed file is parsed again."""
    return parse(name, text)
