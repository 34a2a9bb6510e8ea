"""The base classes of the commands: --help, --version, and errors.

- An error is one line and an exit code, never a traceback.
- EXIT_CODES lists the exit codes, and `exit_codes` translates exceptions to these. Some commands have other exit codes,
  which their --help lists.
- If an option has a text that the database cannot store, the command fails before it does anything.
"""

import logging
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor

from tokens import __version__
from tokens.encryption import MalformedEncryptionKey
from tokens.keys.deadline import translated_errors
from tokens.keys.errors import CannotOpen, KeyProblem, LockNotHad, UnknownKey, WrongRing
from tokens.registry_lock import RegistryLocked

USAGE, UNSAFE, LOCKED, KEY_UNUSABLE = 2, 3, 4, 5
EXIT_CODES = """
exit codes:
  0  done, or nothing is due
  2  wrong usage, or there is no such key or ring
  3  overdue, or refused because it would be unsafe
  4  another process held the lock of the ring for 30 s
  5  a private key cannot be decrypted or failed its self-test: check KEY_ENCRYPTION_KEYS
"""


class OperatorCommand(BaseCommand):
    """A command of the issuer. Its `notes` are printed at the end of --help, with their line breaks."""

    notes = ""

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

        Raises CommandError if an option is text that the database cannot store, or if the database cannot be used.
        """
        for name, value in options.items():
            if wrong := next((text for text in _texts(value) if not storable(text)), None):
                raise CommandError(f"{name} is not valid UTF-8 text: {wrong!a}", returncode=USAGE)
        if sys.stderr.isatty():  # on a terminal, the command's own output is enough; the audit trail has the event
            logging.getLogger("tokens.audit").propagate = False
        try:
            return super().execute(*args, **options)
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(_database_problem(error)) from error


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

        If there is one ring, raises the error of `act`. If there are several rings, prints an error of `act` and
        continues with the next ring. Raises the first error after the last ring.
        """
        first_error: KeyProblem | IntegrityError | None = None
        for ring in rings:
            try:
                self.stdout.write(act(ring))
            except (KeyProblem, IntegrityError) as error:
                if len(rings) == 1:
                    raise
                first_error = first_error or error
                self.stderr.write(f"{ring}: {error}")
        if first_error:
            raise first_error


def _database_problem(error: Exception) -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        missing = []
    if missing:
        return f"the database lacks {len(missing)} migrations: run manage.py migrate first"
    return f"the database (DATABASE_URL) cannot be used: {' '.join(str(error).split())}"


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


@contextmanager
def exit_codes() -> Iterator[None]:
    """Raise CommandError, with an exit code of EXIT_CODES, in place of an error from the `with` block."""
    try:
        with translated_errors():
            yield
    except (CannotOpen, MalformedEncryptionKey) as error:
        raise CommandError(str(error), returncode=KEY_UNUSABLE) from error
    except (LockNotHad, RegistryLocked) as error:
        raise CommandError(str(error), returncode=LOCKED) from error
    except (UnknownKey, WrongRing) as error:
        raise CommandError(str(error), returncode=USAGE) from error
    except (KeyProblem, IntegrityError) as error:  # IntegrityError: a constraint or trigger of the database
        raise CommandError(str(error), returncode=UNSAFE) from error
