"""The options in recipes (registrations of known programs).

Each is an option of `create_client` or `create_api`. The printed command lines are quoted, so that a shell parses them
to the same words.
"""

import shlex

import pytest
from django.core.management import load_command_class

from tokens.recipes import catalog, options
from tokens.recipes.schema import Step

STEPS = [(name, step) for name, recipe in catalog.recipes().items() for step in recipe.steps]


@pytest.mark.parametrize("command", ["create_client", "create_api"])
def test_each_option_has_the_name_and_the_flag_of_the_command(command):
    parser = load_command_class("tokens", command).create_parser("manage.py", command)
    flags = {action.dest: action.option_strings for action in parser._actions}
    assert {name: flag for name, flag in options.FLAGS[command].items() if flag not in flags.get(name, [])} == {}


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[name for name, _ in STEPS])
def test_the_printed_command_is_read_as_the_step_says(name, step):
    printed = options.lines(step, prompt="$ manage.py ")
    assert shlex.split(printed.replace("\\\n", " "))[2:] == options.words(step)
    assert all(len(line) <= 120 for line in printed.splitlines())


def test_a_value_with_special_characters_is_quoted():
    step = Step(command="create_api", options={"name": 'A "b" $c', "scopes": {"a:b": "May `do`"}})
    assert options.lines(step, prompt="") == 'create_api --name "A \\"b\\" \\$c" --scope a:b="May \\`do\\`"'
