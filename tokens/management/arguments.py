"""What the commands share: instants, the table of exit codes in --help, and errors as exit codes."""

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from tokens.encryption import MalformedEncryptionKey
from tokens.keys.errors import CannotOpen, KeyProblem, LockNotHad, UnknownKey, WrongRing
from tokens.keys.held import locking

USAGE, UNSAFE, LOCKED, CLOSED = 2, 3, 4, 5
EXIT_CODES = """
exit codes:
  0  done, or nothing is due
  2  the command was used wrongly, or names a key or ring that is not there
  3  overdue, or refused because it would be unsafe
  4  another process held the ring for 30 s
  5  a private key cannot be decrypted, or failed its self-test: KEY_ENCRYPTION_KEYS is not what it was
"""


class KeyCommand(BaseCommand):
    """A command about keys: its exit codes stand in its --help as they are written."""

    notes = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the table of exit codes as it is written."""
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=EXIT_CODES + self.notes,
            formatter_class=RawDescriptionHelpFormatter,
            **kwargs,
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Refuse what no database takes as text, whichever argument it is in, before anything is done."""
        for name, value in options.items():
            if isinstance(value, str) and not storable(value):
                raise CommandError(f"{name} is no UTF-8 text: {value!a}", returncode=USAGE)
        return super().execute(*args, **options)

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
        with locking():
            yield
    except (CannotOpen, MalformedEncryptionKey) as error:
        raise CommandError(str(error), returncode=CLOSED) from error
    except LockNotHad as error:
        raise CommandError(str(error), returncode=LOCKED) from error
    except (UnknownKey, WrongRing) as error:
        raise CommandError(str(error), returncode=USAGE) from error
    except (KeyProblem, IntegrityError) as error:  # the latter is a rule that the database keeps by itself
        raise CommandError(str(error), returncode=UNSAFE) from error


def instant(text: str) -> datetime:
    """An ISO 8601 date and time; without an offset it is UTC."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time like 2027-01-31T12:00Z") from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
