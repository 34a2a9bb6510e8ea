"""Adds the option `--for` of create_client and create_api, and reads the recipe that the option names.

A recipe is a file about one program. It has the registration that the program needs, and the program's configuration.
The recipe sets the defaults of the other options.
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError

from tokens import conf
from tokens.management.exit_codes import USAGE
from tokens.recipes import catalog, configuration, defaults
from tokens.recipes.defaults import MissingValue
from tokens.recipes.example import RealValues
from tokens.recipes.schema import InvalidRecipe, Recipe, Step

DJANGO = {"verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The recipe and the variant that --for names.

    A recipe has a list of commands to run, called steps. `step` is the step for the command that runs now.
    `operator_options` has the options that the operator set, by name.
    """

    recipe: Recipe
    variant: str
    step: Step
    operator_options: dict[str, Any]

    def configuration(self, values: RealValues) -> list[configuration.Part]:
        """Return the configuration of the program, with the real `values` in place of the recipe's example values."""
        return configuration.parts(self.recipe, values, variant=self.variant)

    def printed(self, values: RealValues) -> Iterator[str]:
        """Yield lines for a terminal: the program's configuration, and the commands that the operator still has to run.

        `values`, such as the client_id of the new client, replace the example values of the recipe.
        """
        others = configuration.commands(self.recipe, self.step, values)
        return configuration.printed(self.recipe, self.configuration(values), others)


def add(parser: ArgumentParser, *, example: str) -> None:
    """Add the option `--for` to `parser`. `example` is a recipe that the help text names."""
    parser.add_argument(
        "--for", dest="recipe", metavar="PROGRAM",
        help=f"take the defaults of the other options from the recipe of this program, such as {example}, and print"
        " its configuration; PROGRAM/VARIANT if there are several; manage.py recipes lists them",
    )  # fmt: skip


def choose(command: str, parser: ArgumentParser, options: dict[str, Any]) -> Chosen | None:
    """Return the recipe that `--for` names, or None if the option is absent.

    Raises CommandError if there is no such recipe for this `command`, or no such variant of the recipe.
    """
    if options["recipe"] is None:
        return None
    name, _, variant = options["recipe"].partition("/")
    with usage_errors():
        recipe = catalog.find(name, conf.issuer().recipes)
        step = defaults.step_of(recipe, command, variant)
    operator_options = {
        key: value
        for key, value in options.items()
        if key not in DJANGO | {"recipe", "json"} and value != parser.get_default(key)
    }
    return Chosen(recipe, variant, step, operator_options)


@contextmanager
def usage_errors() -> Iterator[None]:
    """Raise CommandError in place of InvalidRecipe or MissingValue from the `with` block."""
    try:
        yield
    except (InvalidRecipe, MissingValue) as error:
        raise CommandError(str(error), returncode=USAGE) from error
