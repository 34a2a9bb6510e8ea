"""`recipes`: list the recipes that create_client and create_api accept with `--for`, or show one recipe.

A recipe has the registration that a program needs, and the program's configuration.
"""

import json
from argparse import ArgumentParser
from typing import Any

from tokens import conf
from tokens.management import recipe_options
from tokens.management.exit_codes import COMMON_CODES
from tokens.management.operator_command import OperatorCommand
from tokens.recipes import catalog, markdown, overview
from tokens.recipes.schema import Recipe


class Command(OperatorCommand):
    """Lists the recipes, or prints one recipe in the form of its documentation page."""

    help = "List the programs that create_client --for and create_api --for know, or show the recipe of one."
    notes = f"""
examples:
  all programs, by topic:
    recipes
  one of them, with the commands and its configuration:
    recipes oauth2-proxy
  which programs verify tokens:
    recipes --kind "resource server"

A site adds recipes in a folder of its own: set RECIPES to its path (docs/recipes.md).
{COMMON_CODES}"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("name", nargs="?", metavar="NAME", help="the recipe to show; without it, all are listed")
        parser.add_argument(
            "--kind", choices=("login", "machine", "resource server"), help="list only the programs of this kind"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the recipe that the operator named, as Markdown. Without a name, print a list of all recipes.

        With --kind, lists only recipes for one kind of program, such as `login`. With --json, prints JSON.
        """
        site = conf.issuer().recipes
        with recipe_options.usage_errors():
            if options["name"]:
                self._show(catalog.find(options["name"], site), as_json=options["json"])
                return
            recipes = [recipe for recipe in catalog.recipes(site).values() if options["kind"] in (None, recipe.kind)]
        if options["json"]:
            self.stdout.write(json.dumps([overview.summary(recipe) for recipe in recipes]))
            return
        for line in overview.listing(recipes):
            self.stdout.write(line)

    def _show(self, recipe: Recipe, *, as_json: bool) -> None:
        text = markdown.page(recipe)
        self.stdout.write(json.dumps(overview.summary(recipe) | {"page": text}) if as_json else text.rstrip())
