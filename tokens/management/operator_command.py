"""The base classes of the commands: --help, --version, and errors.

- An error is one line and an exit code, never a traceback (`exit_codes`).
- A command whose exit codes 3 or 4 have meanings of their own sets `has_own_codes`.
- If an option has a text that the database cannot store, the command fails before it does anything.
- An empty option or optional argument is refused, unless empty is its default. Otherwise `--ring "$RING"` would mean
  every ring if the variable is not set. For files and folders, the type `arguments.file_path` refuses an empty text.
"""

import logging
import sys
from argparse import Action, ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from tokens import __version__
from tokens.keys.deadline import translated_errors
from tokens.keys.errors import KeyProblem
from tokens.management.arguments import EMPTY
from tokens.management.exit_codes import COMMON_CODES, EXIT_CODES, FAILED, TRANSLATED, USAGE, is_of_one_ring, refusal


class OperatorCommand(BaseCommand):
    """A command of the issuer. Its `notes` are printed at the end of --help, with their line breaks."""

    notes = COMMON_CODES
    has_own_codes = False
    """True if the errors in TRANSLATED exit with FAILED, because the other codes have meanings of the command's own."""

    def get_version(self) -> str:
        """Return Keyturn's version, for `--version`."""
        return __version__

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser, with `notes` as its epilog."""
        return super().create_parser(
            prog_name, subcommand, epilog=self.notes, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command.

        Raises CommandError if an option is empty, or is a text that the database cannot store. Also raises CommandError
        in place of an error in TRANSLATED.
        """
        if empty := self._empty_option(options):
            raise CommandError(f"{empty} {EMPTY}", returncode=USAGE)
        for name, value in options.items():
            if wrong := next((text for text in _texts(value) if not storable(text)), None):
                raise CommandError(f"{name} is not valid UTF-8 text: {wrong!a}", returncode=USAGE)
        if sys.stderr.isatty():  # on a terminal, the command's own output is enough; the audit trail has the event
            logging.getLogger("tokens.audit").propagate = False
        try:
            return super().execute(*args, **options)
        except TRANSLATED as error:
            code, message = refusal(error)
            raise CommandError(message, returncode=FAILED if self.has_own_codes else code) from error

    def _empty_option(self, options: dict[str, Any]) -> str | None:
        """Return the name of the first option that is empty or has only spaces.

        Skips options with their default value, and required positional arguments, which each command looks up. Returns
        None if there is no such option.
        """
        empty = {name for name, value in options.items() if not all(text.strip() for text in _texts(value))}
        if not empty:  # the usual case does not build a parser
            return None
        for each in _actions(self.create_parser("manage.py", "")):
            can_be_absent = bool(each.option_strings) or not each.required
            if can_be_absent and each.dest in empty and options[each.dest] != each.default:
                return next(iter(each.option_strings), each.dest)
        return None


class Replaced(BaseCommand):
    """A command of django-oauth-toolkit that does not work with this issuer, and only names its replacement."""

    replacement: str
    """The issuer's command that replaces this one."""

    def run_from_argv(self, _argv: list[str]) -> None:
        """Print which issuer command replaces this django-oauth-toolkit command, and exit with 2."""
        # Overridden, because the parser would first complain about options of the toolkit's command.
        print(f"CommandError: {self._refusal()}", file=sys.stderr)
        sys.exit(USAGE)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Raise CommandError with the name of the replacement. Only `call_command` calls this method."""
        raise CommandError(self._refusal(), returncode=USAGE)

    def _refusal(self) -> str:
        return f"use {self.replacement}: this command of django-oauth-toolkit does not work with this issuer"


class KeyCommand(OperatorCommand):
    """A command on signing keys, for one or several key rings. A ring is a set of signing keys with a JWKS."""

    notes = EXIT_CODES

    def for_each(self, rings: Sequence[str], act: Callable[[str], str]) -> None:
        """Call `act` with the name of each key ring, and print the results.

        If there is one ring, raises the error of `act`. If there are several rings, prints an error that can be
        specific to one ring (`is_of_one_ring`), continues with the next ring, and raises the first such error after the
        last ring. Raises any other error at once.
        """
        first_error: KeyProblem | Error | None = None
        for ring in rings:
            try:
                with translated_errors():  # the error of a ring names the ring's lock and the time limit of a step
                    result = act(ring)
                self.stdout.write(result)
            except (KeyProblem, Error) as error:
                if len(rings) == 1 or not is_of_one_ring(error):
                    raise
                first_error = first_error or error
                self.stderr.write(f"{ring}: {refusal(error)[1]}")
        if first_error:
            raise first_error


def _actions(parser: ArgumentParser) -> Iterator[Action]:
    """Yield the arguments and options of the parser and of its subcommands."""
    for action in parser._actions:  # noqa: SLF001 (argparse has no other list of its options)
        yield action
        if isinstance(action, _SubParsersAction):
            for subcommand in action.choices.values():
                yield from _actions(subcommand)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in the value of an option. The value is a list if the option can be repeated."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def storable(text: str) -> bool:
    """Return True if the database can store the text: valid UTF-8 without NUL."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:  # bytes of a shell argument that are not UTF-8, as surrogates
        return False
