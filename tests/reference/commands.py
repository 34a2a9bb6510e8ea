"""The documentation page about the commands of manage.py and their options, made from their argument parsers."""

import argparse
import textwrap
from collections.abc import Iterator

from django.core.management import find_commands, load_command_class
from django.core.management.base import BaseCommand

from project.launch import serve
from tests.reference.markdown import MADE, angles, table
from tests.reference.settings import ROOT

HEAD = f"""# Commands

{MADE}

`python manage.py NAME`, or `keyturn NAME` if the package is installed. Django's own options (`--settings`,
`--traceback`, `--verbosity`, …) are left out. `serve` is `keyturn serve`, or `{serve.PROGRAM}` in a checkout.
"""
APPS = ("tokens", "resources")
HIDDEN = {"cleartokens", "createapplication"}
"""Commands of django-oauth-toolkit that Keyturn replaces by a message."""


def django_options() -> set[str]:
    """Return the options that Django gives to every manage.py command."""
    parser = BaseCommand().create_parser("manage.py", "x")
    return {option for action in parser._actions for option in action.option_strings}


def parsers(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield the name and the parser of a command, then those of its subcommands."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub, child in action.choices.items():
                yield from parsers(f"{name} {sub}", child)


def row(action: argparse.Action) -> tuple[str, str]:
    """Return the table row of a command's argument or option: its names and its help text."""
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    shown = " ".join(value) if isinstance(value, tuple) else str(value)
    if action.choices is not None and action.metavar is None:
        shown = "{" + ",".join(map(str, action.choices)) + "}"
    names = [f"{option} {shown}".strip() for option in action.option_strings] or [shown or action.dest]
    text = (action.help or "") % {**vars(action), "prog": "manage.py"} if action.help else ""
    required = " (required)" if action.required and action.option_strings else ""
    return ", ".join(f"`{name}`" for name in names), angles(text) + required


def section(name: str, parser: argparse.ArgumentParser, *, shared: set[str]) -> str:
    """Return the section of the documentation page for one parser.

    `shared` are the options that every command has. The section omits them.
    """
    level = "###" if " " in name else "##"
    actions = [
        action
        for action in parser._actions
        if not shared & set(action.option_strings)
        and not isinstance(action, argparse._SubParsersAction)
        and action.help != argparse.SUPPRESS
    ]
    parts = [f"\n{level} {name}\n\n", angles(" ".join((parser.description or "").split())), "\n"]
    if actions:
        parts += ["\n", table(("argument", "meaning"), map(row, actions))]
    if parser.epilog:
        parts.append(f"\n```text\n{textwrap.dedent(parser.epilog.strip(chr(10)))}\n```\n")
    return "".join(parts)


def page() -> str:
    """Return the documentation page about the commands, in Markdown."""
    commands = {
        name: load_command_class(app, name).create_parser("manage.py", name)
        for app in APPS
        for name in find_commands(str(ROOT / app / "management"))
        if name not in HIDDEN
    }
    commands["serve"] = serve.parser("keyturn serve")
    parts = [HEAD]
    shared = django_options()
    for name in sorted(commands):
        parts += [section(title, parser, shared=shared) for title, parser in parsers(name, commands[name])]
    return "".join(parts)
