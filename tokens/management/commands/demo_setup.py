"""`demo_setup`: create the demo's users, clients, API and first signing key. Idempotent."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from tokens.encryption import MalformedEncryptionKey
from tokens.keys import store
from tokens.management.arguments import file_path, operation
from tokens.management.exit_codes import EXIT_CODES, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.registration import demo


class Command(OperatorCommand):
    """Creates the demo's users, clients, API and first signing key, and prints the generated credentials."""

    help = (
        "Create the demo: user `demo`, administrator `admin`, the API and its scopes, the clients `webapp`,"
        " `service` and `api-docs`, and the first signing key. A second run with the same --credentials changes"
        " nothing."
    )
    notes = EXIT_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument(
            "--credentials",
            type=file_path,
            help=f"a file of NAME=value lines: {', '.join(demo.NAMES)}; missing values are generated and printed once",
        )
        parser.add_argument("--api-audience", default="http://localhost:8001/", help="the API's `aud` (%(default)s)")
        parser.add_argument(
            "--api-url", default="http://localhost:8001", help="the API's origin, for its documentation (%(default)s)"
        )
        parser.add_argument(
            "--webapp-url", default="http://localhost:8002", help="the application's origin (%(default)s)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Create the demo, and print the generated credentials."""
        credentials = demo.credentials(read(options["credentials"]))
        try:
            demo.set_up(
                credentials,
                api_audience=options["api_audience"],
                api_url=options["api_url"].rstrip("/"),
                webapp_url=options["webapp_url"].rstrip("/"),
                now=store.database_now(),
            )
            demo.make_first_key(operation(demo.ACTOR, now=timezone.now()))
        except MalformedEncryptionKey:  # a ValueError, but not of the credentials
            raise
        except (ValidationError, ValueError) as error:
            message = "; ".join(getattr(error, "messages", [str(error)]))
            raise CommandError(message, returncode=USAGE) from error
        if options["json"]:
            self.stdout.write(json.dumps({"generated": dict(credentials.generated)}))
            return
        self.stdout.write("The demo is ready: users demo and admin, clients webapp, service and api-docs.")
        for name, value in credentials.generated.items():
            self.stdout.write(f"{name}={value}")


def read(path: Path | None) -> dict[str, str]:
    """Return the values of the NAME=value lines of a file, by name. Returns {} if `path` is None.

    Raises CommandError if the file cannot be read.
    """
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=USAGE) from error
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
