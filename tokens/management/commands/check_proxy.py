"""`check_proxy`: test the proxy in front of an issuer or an API from outside."""

import json
import ssl
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from tokens import conf
from tokens.management.exit_codes import USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.proxy import report, trials
from tokens.proxy.trial_server import ProbedServer
from tokens.proxy.wire import target

NOTES = """examples:
  manage.py check_proxy https://issuer.example
  manage.py check_proxy https://issuer.example --json
  manage.py check_proxy https://localhost:8443 --cafile proxy.pem

Sends about thirty small requests, one after the other. None of them changes anything. If OPERATOR_TOKEN is set to the
issuer's value, the command also checks which client address the issuer sees. docs/proxies.md has tested configurations.

exit codes:
  0  no finding is an error
  1  at least one finding is an error
  2  wrong usage
"""


class Command(OperatorCommand):
    """Tests a proxy by requests from outside (trials), and prints what each trial found."""

    help = "Test an issuer or an API from outside, through its proxy, and print what to configure."
    notes = NOTES
    has_own_codes = True
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument("url", help="the public URL, for example https://issuer.example")
        parser.add_argument("--cafile", help="PEM file of certificates to trust instead of the system's")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the trials and print their findings. Exit with 1 if a finding is an error."""
        findings = trials.run(probed_server(options["url"], options["cafile"]))
        result = report.as_json(options["url"], findings)
        self.stdout.write(json.dumps(result) if options["json"] else report.as_text(findings))
        if result["result"] == "error":
            sys.exit(1)


def probed_server(url: str, cafile: str | None) -> ProbedServer:
    """Return the server to test: its address, the TLS settings and OPERATOR_TOKEN.

    Raises CommandError if the URL is invalid, or the certificates in `cafile` cannot be read.
    """
    try:
        address = target(url)
        context = ssl.create_default_context(cafile=cafile) if address.scheme == "https" else None
    except (ValueError, OSError) as error:
        raise CommandError(str(error), returncode=USAGE) from error
    return ProbedServer(address, context, conf.issuer().operator_token)
