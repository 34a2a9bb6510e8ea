"""`check_proxy`: test from outside what the proxy in front of an issuer or an API lets through."""

import json
import os
import ssl
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from tokens import conf
from tokens.management.arguments import USAGE, OperatorCommand
from tokens.proxy import report, trials
from tokens.proxy.trials import Seat
from tokens.proxy.wire import target

NOTES = """examples:
  manage.py check_proxy https://issuer.example
  manage.py check_proxy https://issuer.example --json
  manage.py check_proxy https://localhost:8443 --cafile proxy.pem

Sends about thirty small requests one after the other, none of which changes anything. If OPERATOR_TOKEN is set to the
issuer's, also checks which address the issuer sees. docs/proxies.md has tested configurations.

exit codes:
  0  no finding is an error
  1  at least one finding is an error
  2  the command was used wrongly
"""


class Command(OperatorCommand):
    """Parses, runs the trials, prints."""

    help = "Try an issuer or an API from outside, through its proxy, and say what to configure."
    notes = NOTES
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("url", help="the public URL, for example https://issuer.example")
        parser.add_argument("--cafile", help="certificates to trust, as PEM, instead of the system's")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the findings; exit 1 if one is an error."""
        findings = trials.run(seat(options["url"], options["cafile"]))
        told = report.as_json(options["url"], findings)
        self.stdout.write(json.dumps(told) if options["json"] else report.as_text(findings))
        if told["result"] == "error":
            sys.exit(1)


def seat(url: str, cafile: str | None) -> Seat:
    """Return the target and how to reach it. Raises CommandError if the URL or the certificates cannot be used."""
    try:
        where = target(url)
        context = ssl.create_default_context(cafile=cafile) if where.scheme == "https" else None
    except (ValueError, OSError) as error:
        raise CommandError(str(error), returncode=USAGE) from error
    return Seat(where, context, os.environ.get("OPERATOR_TOKEN", "") or conf.issuer().operator_token)
