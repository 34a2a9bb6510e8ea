"""What the commands share: their --help, how arguments are read, and errors as one line and an exit code."""

import logging
import re
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor

from tokens import __version__
from tokens.encryption import MalformedEncryptionKey
from tokens.keys.deadline import translated_errors
from tokens.keys.errors import CannotOpen, KeyProblem, LockNotHad, UnknownKey, WrongRing
from tokens.models import Api, Client
from tokens.registry_lock import RegistryLocked

USAGE, UNSAFE, LOCKED, CLOSED = 2, 3, 4, 5
EXIT_CODES = """
exit codes:
  0  done, or nothing is due
  2  the command was used wrongly, or names a key or ring that is not there
  3  overdue, or refused because it would be unsafe
  4  another process held the ring for 30 s
  5  a private key cannot be decrypted, or failed its self-test: KEY_ENCRYPTION_KEYS is not what it was
"""


class OperatorCommand(BaseCommand):
    """A command of ours: its notes stand in its --help as they are written, and what fails is told in one line."""

    notes = ""

    def get_version(self) -> str:
        """Return Keyturn's version, for `--version`."""
        return __version__

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the notes as they are written."""
        return super().create_parser(
            prog_name, subcommand, epilog=self.notes, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Refuse what no database takes as text, whichever argument it is in, before anything is done.

        Raises CommandError, too, where the database cannot be used: it says what it lacks.
        """
        for name, value in options.items():
            if wrong := next((text for text in _texts(value) if not storable(text)), None):
                raise CommandError(f"{name} is no UTF-8 text: {wrong!a}", returncode=USAGE)
        if sys.stderr.isatty():  # the command itself says what it did, and the audit trail keeps it
            logging.getLogger("tokens.audit").propagate = False
        try:
            return super().execute(*args, **options)
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(_what_the_database_lacks(error)) from error


class Replaced(BaseCommand):
    """A command of django-oauth-toolkit's that knows nothing of what is kept here: it refuses, whatever it is given."""

    ours: str
    """The command of ours that does it."""

    def run_from_argv(self, _argv: list[str]) -> None:
        """Say what to use, before anything is parsed."""
        print(f"CommandError: {self._instead()}", file=sys.stderr)
        sys.exit(USAGE)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """The same for code."""
        raise CommandError(self._instead(), returncode=USAGE)

    def _instead(self) -> str:
        return f"use {self.ours}: the toolkit's own command knows nothing of what is kept here"


class KeyCommand(OperatorCommand):
    """A command about keys: one step of each ring, and the exit codes of the table."""

    notes = EXIT_CODES

    def for_each(self, rings: Sequence[str], act: Callable[[str], str]) -> None:
        """Print what `act` says of each ring; of several, one that fails stops no other. Raises the first failure."""
        failed: KeyProblem | IntegrityError | None = None
        for ring in rings:
            try:
                self.stdout.write(act(ring))
            except (KeyProblem, IntegrityError) as error:
                if len(rings) == 1:
                    raise
                failed = failed or error
                self.stderr.write(f"{ring}: {error}")
        if failed:
            raise failed


def _what_the_database_lacks(error: Exception) -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        missing = []
    if missing:
        return f"the database lacks {len(missing)} migrations: run manage.py migrate first"
    return f"the database (DATABASE_URL) cannot be used: {' '.join(str(error).split())}"


def _texts(value: object) -> Iterator[str]:
    """The texts of an option, one or repeated."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def storable(text: str) -> bool:
    """Whether it is text that a database takes: UTF-8, without NUL."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what went wrong into a CommandError with the exit code of the table."""
    try:
        with translated_errors():
            yield
    except (CannotOpen, MalformedEncryptionKey) as error:
        raise CommandError(str(error), returncode=CLOSED) from error
    except (LockNotHad, RegistryLocked) as error:
        raise CommandError(str(error), returncode=LOCKED) from error
    except (UnknownKey, WrongRing) as error:
        raise CommandError(str(error), returncode=USAGE) from error
    except (KeyProblem, IntegrityError) as error:  # the latter is a rule that the database keeps by itself
        raise CommandError(str(error), returncode=UNSAFE) from error


def find_client(client_id: str) -> Client:
    """Return the client of this id. Raises CommandError if there is none."""
    client = Client.objects.filter(client_id=client_id).first()
    if client is None:
        raise CommandError(f"there is no client {client_id}; create_client makes one", returncode=USAGE)
    return client


def find_api(identifier: str) -> Api:
    """Return the API of this identifier. Raises CommandError if there is none."""
    api = Api.objects.filter(identifier=identifier).first()
    if api is None:
        raise CommandError(f"there is no API {identifier}; create_api makes one", returncode=USAGE)
    return api


def instant(text: str) -> datetime:
    """An ISO 8601 date and time; without an offset it is UTC."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time like 2027-01-31T12:00Z") from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def seconds(text: str) -> timedelta:
    """A number of seconds, one or more."""
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise ArgumentTypeError(f"{text!r} is no number of seconds")
    return timedelta(seconds=int(text))


DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd]?)", re.ASCII)
UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Return a duration such as 90s, 10m, 12h or 2d; a number alone is seconds."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is no duration like 90s, 10m, 12h or 2d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def one_line(error: ValidationError) -> str:
    """Every problem with its field, on one line."""
    return " ".join(f"{field}: {' '.join(problems)}" for field, problems in error.message_dict.items())
