"""`import_users`: import users from a dump of Django's auth.User, with their password hashes."""

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import CommandError

from tokens.handover import dump, user_import
from tokens.handover.dump import MalformedDump
from tokens.handover.dump_user import UserImport
from tokens.handover.user_import import ImportedUsers
from tokens.keys import store
from tokens.management.arguments import file_path
from tokens.management.exit_codes import FAILED, USAGE
from tokens.management.operator_command import OperatorCommand

ACTOR = "command:import_users"
CHUNK = 65_536
NOTES = """
examples:
  in the other project, then here:
    manage.py dumpdata auth.User --output users.json
    import_users users.json --dry-run
    import_users users.json --subs-to subs.csv

Users log in with their old passwords afterwards. Each user gets a sub that follows from the issuer's URL, --source and
the primary key, so that a second run changes nothing. --subs-to writes the sub for each primary key, for applications
that stored the old one. docs/moving.md says what is not taken.

exit codes:
  0  done; see "refused" for users who were not taken
  1  the settings or the database cannot be used, or a migration is missing, or the subs could not be written
  2  wrong usage, or the file is not a dump: nothing was imported
  3  refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""


class Command(OperatorCommand):
    """Imports users, and prints which users were refused."""

    help = "Import users from a dump of Django's auth.User, with their password hashes. The command is idempotent."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument(
            "file", metavar="FILE", type=file_path, help="from manage.py dumpdata auth.User (json or jsonl)"
        )
        parser.add_argument("--dry-run", action="store_true", help="print what would be imported, and change nothing")
        parser.add_argument(
            "--model", default="auth.user", help="the model of the users in the dump, such as accounts.User"
        )
        parser.add_argument(
            "--source", help="a name for the other project, from which the subs follow; default: that of the model"
        )
        parser.add_argument("--with-staff", action="store_true", help="keep the rights of staff and superusers")
        parser.add_argument("--with-groups", action="store_true", help="keep groups (dumpdata auth.Group auth.User)")
        parser.add_argument(
            "--trust-emails",
            action="store_true",
            help="trust the e-mail addresses of the dump: each counts as verified, and applications identify users by"
            " it. Only if the other project verified them",
        )
        parser.add_argument(
            "--subs-to", type=file_path, metavar="FILE", help="write primary keys and subs to this CSV file"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, and no progress")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import the users, and print the progress and the result."""
        wanted = UserImport(
            model=options["model"].lower(),
            source=options["source"] or options["model"].lower(),
            with_staff=options["with_staff"],
            with_groups=options["with_groups"],
            trust_emails=options["trust_emails"],
            dry_run=options["dry_run"],
            actor=ACTOR,
            now=store.database_now(),
        )
        if options["subs_to"] is None:
            result = self._import(wanted, options)
        else:
            with opened(options["subs_to"]) as file:  # before the import: a refused file must not follow an import
                result = self._import(wanted, options)
                write_subs(file, options["subs_to"], result)
        self.stdout.write(as_json(result, options) if options["json"] else text(result, options))

    def _import(self, wanted: UserImport, options: dict[str, Any]) -> ImportedUsers:
        """Import the users, print the progress, and return the result. Raises CommandError if the dump is refused."""
        result = ImportedUsers()
        try:
            for result in user_import.load(dump.rows(chunks(options["file"])), wanted):
                self._progress(result, options)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}", returncode=USAGE) from error
        except (MalformedDump, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']}: {error}; nothing was imported", returncode=USAGE) from error
        return result

    def _progress(self, result: ImportedUsers, options: dict[str, Any]) -> None:
        done = result.created + result.unchanged + len(result.refused)
        if not options["json"] and options["verbosity"] and done % (20 * user_import.BATCH) == 0 and done:
            self.stderr.write(f"{done} users read")


def chunks(path: Path) -> Iterator[str]:
    """Yield the text of a file, at most CHUNK characters at a time.

    Raises OSError if the file cannot be read, and UnicodeDecodeError if it is not UTF-8.
    """
    with path.open(encoding="utf-8-sig") as file:
        while chunk := file.read(CHUNK):
            yield chunk


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open the file of --subs-to for the duration of the `with` block.

    If the block fails, deletes the file, unless the file existed before.

    Raises CommandError if the file cannot be opened.
    """
    is_new = not path.exists()
    try:
        file = path.open("a", encoding="utf-8", newline="")  # keeps the subs of an earlier run until the import is done
    except OSError as error:
        message = f"--subs-to: {path}: {error.strerror}; nothing was imported"
        raise CommandError(message, returncode=USAGE) from error
    try:
        yield file
    except BaseException:
        with suppress(OSError):  # on a full disk, close() fails as the last write did
            file.close()
        if is_new:
            path.unlink(missing_ok=True)
        raise
    file.close()


def write_subs(file: TextIO, path: Path, result: ImportedUsers) -> None:
    """Replace the content of `file`, which is open at `path`, by a CSV table.

    The columns are each user's primary key in the other project, and the user's sub. Raises CommandError if the file
    cannot be written.
    """
    try:
        if path.is_file():  # not a pipe, such as /dev/stdout
            file.truncate(0)
        csv.writer(file).writerows([("pk", "sub"), *result.subs.items()])
        file.flush()
    except OSError as error:
        message = f"--subs-to: {path}: {error.strerror}; the import is done: run the command again to get the subs"
        raise CommandError(message, returncode=FAILED) from error


def as_json(result: ImportedUsers, options: dict[str, Any]) -> str:
    """Return the result of the import as JSON, without the subs. Only the file of --subs-to contains the subs."""
    fields = asdict(result) | {"dry_run": options["dry_run"]}
    return json.dumps({name: value for name, value in fields.items() if name != "subs"})


def text(result: ImportedUsers, options: dict[str, Any]) -> str:
    """Return the result of the import as text."""
    lines = ["dry run, nothing was changed:"] if options["dry_run"] else []
    lines += [f"created {result.created}, unchanged {result.unchanged}, refused {len(result.refused)}"]
    lines += [f"refused: {refusal['user']}: {refusal['why']}" for refusal in result.refused]
    lines += [f"another user has the e-mail address, log in by username only: {name}" for name in result.same_email]
    lines += [
        f"unknown password hasher {name}: {count} users; add it to PASSWORD_HASHERS, or they reset their passwords"
        for name, count in result.unknown_hashers.items()
    ]
    if result.administrators:
        outcome = "kept" if options["with_staff"] else "not kept (--with-staff keeps them)"
        lines += [f"rights of administration {outcome}: {', '.join(result.administrators)}"]
    return "\n".join(lines)
