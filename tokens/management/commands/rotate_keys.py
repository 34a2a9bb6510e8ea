"""`rotate_keys`: take the one next safe step of the signing keys, or do nothing."""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from tokens import conf
from tokens.encryption import MalformedEncryptionKey
from tokens.keys.errors import CannotOpen, KeyProblem
from tokens.keys.policy import POLICIES
from tokens.keys.rotation import rotate

EXIT_CODES = """
exit codes:
  0  a step was taken, or nothing is due
  2  the command was used wrongly
  3  refused, because it would be unsafe
  5  a private key cannot be decrypted: KEY_ENCRYPTION_KEYS is not what it was

Run it from cron as often as you like (hourly is usual): it takes at most one step, and only when one is due.
"""


class Command(BaseCommand):
    """Parses, calls `rotate`, prints."""

    help = "Take the next safe step of the signing keys: create the first key and its standby, or switch when due."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the table of exit codes as it is written."""
        return super().create_parser(
            prog_name, subcommand, epilog=EXIT_CODES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--now", action="store_true", help="switch at the earliest safe instant, although the signing key is young"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take one step and say which."""
        settings = conf.issuer()
        try:
            outcome = rotate(
                policy=POLICIES[settings.key_policy],
                encryption_keys=settings.encryption_keys(),
                actor="command:rotate_keys",
                hurry=options["now"],
            )
        except (CannotOpen, MalformedEncryptionKey) as error:
            raise CommandError(str(error), returncode=5) from error
        except KeyProblem as error:
            raise CommandError(str(error), returncode=3) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(outcome), cls=DjangoJSONEncoder))
            return
        at = f" {outcome.at:%Y-%m-%d %H:%M:%S} UTC" if outcome.at else ""
        self.stdout.write(f"{outcome.message}{at} (kid {outcome.kid})")
