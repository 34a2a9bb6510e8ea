"""What the commands share: instants, the table of exit codes in --help, and errors as exit codes."""

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tokens.encryption import MalformedEncryptionKey
from tokens.keys.errors import CannotOpen, KeyProblem, LockNotHad, UnknownKey, WrongRing

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


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what went wrong into a CommandError with the exit code of the table."""
    try:
        yield
    except (CannotOpen, MalformedEncryptionKey) as error:
        raise CommandError(str(error), returncode=CLOSED) from error
    except LockNotHad as error:
        raise CommandError(str(error), returncode=LOCKED) from error
    except (UnknownKey, WrongRing) as error:
        raise CommandError(str(error), returncode=USAGE) from error
    except KeyProblem as error:
        raise CommandError(str(error), returncode=UNSAFE) from error


def instant(text: str) -> datetime:
    """An ISO 8601 date and time; without an offset it is UTC."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time like 2027-01-31T12:00Z") from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
