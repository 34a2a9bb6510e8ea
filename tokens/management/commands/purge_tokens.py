"""`purge_tokens`: delete expired rows in batches."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from tokens.audit import jobs
from tokens.keys import store
from tokens.management.operator_command import OperatorCommand
from tokens.revoking import purge


class Command(OperatorCommand):
    """Deletes expired rows table by table."""

    help = (
        "Delete expired codes, refresh tokens, grants, used assertions, revocations and sessions that no request can"
        " need any more. Run it daily from cron."
        " Several runs at once are safe. An interrupted run is continued by the next run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument(
            "--dry-run", action="store_true", help="count the rows that would be deleted, and delete nothing"
        )
        parser.add_argument(
            "--batch", type=positive, default=purge.BATCH, help="most rows deleted in one transaction (%(default)s)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, and no progress")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Purge each table, and print how many rows were deleted. With --dry-run, only count the rows."""
        now = store.database_now()
        removed = {}
        for table in purge.TABLES:
            if options["dry_run"]:
                removed[table] = purge.count(table, now=now)
            else:
                removed[table] = self._purge(table, options, now=now)
            if not options["json"]:
                verb = "would be deleted" if options["dry_run"] else "deleted"
                self.stdout.write(f"{table:20} {removed[table]:8} {verb}")
        if not options["dry_run"]:
            jobs.note("purge_tokens", now=store.database_now())
        if options["json"]:
            self.stdout.write(json.dumps({"dry_run": options["dry_run"], "removed": removed}))

    def _purge(self, table: str, options: dict[str, Any], *, now: datetime) -> int:
        total = 0
        for number in purge.purge(table, now=now, batch=options["batch"]):
            total += number
            if not options["json"]:
                self.stderr.write(f"{table}: {total} …")
        return total


def positive(text: str) -> int:
    """Parse a number of rows. Raises ArgumentTypeError unless it is from 1 to 100000."""
    if not text.isdecimal() or not 0 < int(text) <= 100_000:
        raise ArgumentTypeError(f"{text!r} is not a number of rows from 1 to 100000")
    return int(text)
