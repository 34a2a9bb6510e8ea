"""`conformance`: report which clauses of a security profile this configuration meets."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from tokens.checks import conformance
from tokens.management.exit_codes import UNSAFE
from tokens.management.operator_command import OperatorCommand
from tokens.models import SecurityProfile

NOTES = """
  conformance --profile fapi2
  conformance --profile fapi2 --json

Each line has the state of a clause, its number, and the requirement in short words. `met`: this issuer keeps to it
under this configuration. `not met`: the lines below it say what is missing. `outside`: the issuer cannot see it,
because it is about a proxy or an API; docs/fapi2.md says what to do there. `choice`: the profile recommends it, and
this issuer does otherwise; docs/fapi2.md says why. --json also names the test that shows each clause.

exit codes:
  0  every clause is met, is outside of the issuer, or is a choice
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage
  3  a clause is not met
"""


class Command(OperatorCommand):
    """Prints which clauses of a security profile are met, and fails if a clause is not."""

    help = "Report which clauses of a security profile this configuration meets."
    notes = NOTES
    has_own_codes = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("--profile", required=True, choices=SecurityProfile.values, help="the profile")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the state of each clause of the profile. Raises CommandError if a clause is not met."""
        findings = conformance.report(conformance.configuration())
        if options["json"]:
            body = {"profile": options["profile"], "met": conformance.is_met(findings)}
            self.stdout.write(json.dumps(body | {"clauses": [asdict(finding) for finding in findings]}))
        else:
            for finding in findings:
                self.stdout.write(f"{finding.state:8} {finding.clause:14} {finding.text}")
                for missing in finding.missing:
                    self.stdout.write(f"{'':24}{missing}")
        if not conformance.is_met(findings):
            raise CommandError("a clause of the profile is not met", returncode=UNSAFE)
