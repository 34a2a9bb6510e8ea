"""`check_issuer`: fetch the issuers' keys now, and print for each key whether this API can use it."""

import json
from argparse import ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...conf import resource_server
from ...issuers import pem_folder
from ...issuers.inspection import Report, inspect
from ...issuers.trusts import trusts


class Command(BaseCommand):
    """Prints, for each issuer, a report on its published keys."""

    help = (
        "Fetches the metadata and the JWKS of each trusted issuer, as this API does. Prints for each key if it is "
        "usable, and if not, why. Compares the audience with the identifiers that the issuer lists. Exit codes: 0 if "
        "the tokens of every issuer can be verified, 1 if those of an issuer cannot, 2 if the settings cannot be used. "
        "With --pem, writes the usable keys of one issuer as files, for programs that read "
        "key files; prints what changed, and nothing if nothing did (from cron, hourly)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments of this command to `parser`: the issuers, and the form of the output."""
        parser.add_argument("issuer", nargs="*", help="URL of a trusted issuer (default: every trusted issuer)")
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        parser.add_argument(
            "--pem",
            type=folder,
            metavar="FOLDER",
            help="write each usable key as a PEM file named by its kid, and remove the files of other public keys",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print a report on the given issuers, or on all issuers of the settings. With --pem, write PEM files instead.

        Raises CommandError if the settings are wrong, or if an issuer is not trusted. Without --pem, also raises it if
        the tokens of a reported issuer cannot be verified. `_write_pem` describes the errors with --pem.
        """
        try:
            trusted = trusts()
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        if unknown := [url for url in options["issuer"] if url not in trusted]:
            raise CommandError(f"not a trusted issuer: {', '.join(unknown)}", returncode=2)
        audience = resource_server().audience
        reports = [inspect(trusted[url], audience=audience) for url in options["issuer"] or trusted]
        if options["pem"] is not None:
            self._write_pem(reports, options["pem"], as_json=options["json"])
            return
        self.stdout.write(json.dumps([report.document() for report in reports]) if options["json"] else _text(reports))
        if not all(report.usable for report in reports):
            raise CommandError("The tokens of at least one issuer cannot be verified.", returncode=1)

    def _write_pem(self, reports: list[Report], folder: Path, *, as_json: bool) -> None:
        """Write the usable keys of one issuer into `folder` as PEM files, and print the changes.

        If `as_json` is True, the changes are printed as JSON.

        Raises CommandError if there is not exactly one issuer, if there is no usable key, or if the files cannot be
        written.
        """
        if len(reports) != 1:  # a key of one issuer must not verify the tokens of another
            raise CommandError("--pem writes the keys of one issuer: name its URL", returncode=2)
        keys = [verdict.key for verdict in reports[0].verdicts if verdict.key]
        if not keys:
            raise CommandError(f"{_text(reports)}\nNo file was changed: there is no usable key.", returncode=1)
        try:
            change = pem_folder.update(folder, keys)
        except pem_folder.UnsafeName as error:
            raise CommandError(f"{error}. No file was changed.", returncode=1) from error
        except OSError as error:
            raise CommandError(f"{folder} cannot be used: {error.strerror}", returncode=2) from error
        if as_json:
            self.stdout.write(json.dumps(asdict(change)))
        elif lines := change.lines():
            self.stdout.write("\n".join(lines))


def folder(text: str) -> Path:
    """Parse the name of a folder. Raises ArgumentTypeError if it is empty or has only spaces."""
    if not text.strip():  # Path("") is the current folder
        raise ArgumentTypeError("is empty: give it a value, or leave it out. A variable of the shell can be unset")
    return Path(text)


def _text(reports: list[Report]) -> str:
    return "\n".join(line for report in reports for line in report.lines())
