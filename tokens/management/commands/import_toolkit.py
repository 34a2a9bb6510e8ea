"""`import_toolkit`: import applications, live refresh tokens and the RSA key of a django-oauth-toolkit project."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import Error

from tokens.handover import former_key, other_database, toolkit
from tokens.handover.other_database import CannotConnect
from tokens.handover.toolkit_report import ToolkitImport, ToolkitReport
from tokens.handover.toolkit_rows import NoToolkit, UserTable
from tokens.keys import store
from tokens.keys.errors import KeyProblem
from tokens.management.arguments import file_path, one_line, operation, seconds
from tokens.management.exit_codes import USAGE
from tokens.management.operator_command import OperatorCommand

ACTOR = "command:import_toolkit"
NOTES = """
  import_users users.json
  create_api --identifier https://api.example/ --name API --scope read="Read" --scope write="Write"
  import_toolkit --database postgres://app@db/app --api https://api.example/ --rsa-key oidc.pem --dry-run
  import_toolkit --database postgres://app@db/app --api https://api.example/ --rsa-key oidc.pem

Clients keep their client_id and secret, and their live refresh tokens work once: the answer has one of this issuer.
--rsa-key is OIDC_RSA_PRIVATE_KEY as a file: ID tokens that it signed verify by the JWKS for a week. Only its public
half is stored. The other database is only read. docs/moving.md has the steps, and what is not taken.

exit codes:
  0  done; see refused_clients and refused_tokens for what was not taken
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or the other database cannot be used or has no tables of the toolkit: nothing was imported
  3  the RSA key cannot be published, or refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""


class Command(OperatorCommand):
    """Imports clients, tokens and a key from a django-oauth-toolkit project, and prints what was not imported."""

    help = "Import applications, live refresh tokens and the RSA key of a django-oauth-toolkit project. Idempotent."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("--database", required=True, metavar="URL", help="the project's database; it is only read")
        parser.add_argument(
            "--api", action="append", default=[], dest="apis", metavar="IDENTIFIER",
            help="an API of this issuer, whose scopes the clients may request; can be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--rsa-key", type=file_path, metavar="FILE", help="OIDC_RSA_PRIVATE_KEY, or its public half, as PEM"
        )
        parser.add_argument(
            "--expire-seconds", type=seconds, metavar="SECONDS",
            help="REFRESH_TOKEN_EXPIRE_SECONDS of the project; without it, its refresh tokens do not expire",
        )  # fmt: skip
        parser.add_argument("--user-table", default="auth_user", metavar="TABLE", help="the project's table of users")
        parser.add_argument("--username-column", default="username", metavar="COLUMN", help="its column of usernames")
        parser.add_argument("--source", default="auth.user", help="the --source of import_users")
        parser.add_argument("--dry-run", action="store_true", help="print what would be imported, and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import applications, refresh tokens and the RSA key, and print what was not imported."""
        pem, now = read(options["rsa_key"]), store.database_now()
        wanted = ToolkitImport(
            apis=tuple(options["apis"]),
            users=UserTable(options["user_table"], options["username_column"]),
            expire_after=options["expire_seconds"],
            source=options["source"],
            dry_run=options["dry_run"],
            actor=ACTOR,
            now=now,
        )
        try:
            with other_database.connected(options["database"]) as source:
                # A key that is refused imports nothing, and a refused import publishes no key.
                kid = publish(pem, now=now, dry_run=True)
                report = toolkit.load(source, wanted)
        except (NoToolkit, CannotConnect) as error:
            raise CommandError(f"--database: {error}", returncode=USAGE) from error
        except ValidationError as error:
            raise CommandError(one_line(error), returncode=USAGE) from error
        try:
            if not wanted.dry_run:
                publish(pem, now=now)
        except (KeyProblem, Error):
            self.stdout.write(printed(report, None, options))
            self.stderr.write("clients and tokens are imported; only the key is not published yet")
            raise
        self.stdout.write(printed(report, kid, options))


def read(path: Path | None) -> bytes | None:
    """Return the content of the key file, or None if `path` is None. Raises CommandError if the file cannot be read."""
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise CommandError(f"--rsa-key: {path}: {error.strerror}", returncode=USAGE) from error


def publish(pem: bytes | None, *, now: datetime, dry_run: bool = False) -> str | None:
    """Publish the public half of the RSA key `pem` in the JWKS, and return its kid. Returns None if `pem` is None.

    A dry run only checks the key.
    """
    if pem is None:
        return None
    return former_key.publish(operation(ACTOR, now=now), pem, dry_run=dry_run)


def printed(report: ToolkitReport, kid: str | None, options: dict[str, Any]) -> str:
    """Return the result of the import as JSON or text. `kid` identifies the published RSA key, or is None."""
    as_json = asdict(report) | {"dry_run": options["dry_run"], "kid": kid}
    return json.dumps(as_json) if options["json"] else text(report, kid, options)


def text(report: ToolkitReport, kid: str | None, options: dict[str, Any]) -> str:
    """Return the result of the import as text. `kid` identifies the published RSA key, or is None."""
    lines = ["dry run, nothing was changed:"] if options["dry_run"] else []
    lines += [f"clients: {len(report.clients)} new, {len(report.unchanged_clients)} here before"]
    lines += [f"refused: {refusal['client_id']}: {refusal['why']}" for refusal in report.refused_clients]
    lines += report.notes
    lines += [f"refresh tokens: {report.tokens} new, {report.unchanged_tokens} here before"]
    lines += [f"not taken: {count} refresh tokens: {reason}" for reason, count in report.refused_tokens.items()]
    lines += [f"no user {name}" for name in report.missing_users]
    return "\n".join([*lines, *([f"published for verification: {kid}"] if kid else [])])
