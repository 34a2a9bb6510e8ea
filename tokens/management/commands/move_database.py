"""`move_database`: copy the whole database, usually a SQLite file, to an empty PostgreSQL."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from tokens.handover import database_copy
from tokens.handover.database_copy import CannotMove
from tokens.handover.other_database import CannotConnect
from tokens.management.exit_codes import UNSAFE
from tokens.management.operator_command import OperatorCommand

NOTES = """
  move_database --to postgres://keyturn@db:5432/keyturn

Stop every process of the issuer before. The source (DATABASE_URL) is locked against writes during the copy, and stays
as it is. Every row is compared after the copy, and every signing key has to decrypt. docs/moving.md has
the steps around it.

exit codes:
  0  done: every row is in the target
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage
  3  refused, or a row differs: the target is not empty, does not answer, or a signing key does not decrypt
  4  another process held a lock, or the database interrupted the command or was busy: run it again
  5  KEY_ENCRYPTION_KEYS is malformed
"""
NEXT = """Next:
  1. Set DATABASE_URL of every process and job to the target.
  2. Run keys --check with it.
  3. Start the processes. Keep the old database until you have seen a login and a refresh."""


class Command(OperatorCommand):
    """Copies the database, verifies the copy, and prints what to do next."""

    help = "Copy the whole database to an empty PostgreSQL, and verify every row and signing key."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("--to", required=True, metavar="URL", help="an empty PostgreSQL database")
        parser.add_argument("--json", action="store_true", help="print one JSON object, and no progress")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Copy the database, verify the copy, and print the number of rows."""
        try:
            moved = database_copy.move(options["to"], self._progress(quiet=options["json"]))
        except CannotMove as error:
            raise CommandError(str(error), returncode=UNSAFE) from error
        except CannotConnect as error:
            raise CommandError(f"--to: {error}", returncode=UNSAFE) from error
        if options["json"]:
            rows, left = dict(moved.rows), list(moved.left)
            self.stdout.write(json.dumps({"rows": rows, "keys": moved.keys, "left": left}))
            return
        self.stdout.write(f"{sum(moved.rows.values())} rows of {len(moved.rows)} tables are equal in both databases")
        self.stdout.write(f"{moved.keys} signing keys decrypt from the target")
        for name in moved.left:
            self.stdout.write(f"not copied, because no installed app has this table: {name}")
        self.stdout.write(NEXT)

    def _progress(self, *, quiet: bool) -> database_copy.Progress:
        def note(text: str) -> None:
            if not quiet:
                self.stderr.write(text)

        return note
