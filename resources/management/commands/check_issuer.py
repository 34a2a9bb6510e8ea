"""`manage.py check_issuer`: can this API verify what its issuers sign? Asks them now, and says so key by key."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from resources.conf import resource_server
from resources.inspection import Report, inspect
from resources.issuers import trusts


class Command(BaseCommand):
    """Parse, ask, print."""

    help = (
        "Fetches each trusted issuer's metadata and JWKS as this API would, and prints every key with its verdict and "
        "why, and compares the audience with the identifiers that the issuer lists. Exit codes: 0 the tokens of every "
        "issuer can be verified, 1 those of one cannot, 2 the settings cannot be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which issuers, and how to print."""
        parser.add_argument("issuer", nargs="*", help="URLs of trusted issuers; all of them by default")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask every issuer that is named."""
        try:
            known = trusts()
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from error
        if strangers := [url for url in options["issuer"] if url not in known]:
            raise CommandError(f"not a trusted issuer: {', '.join(strangers)}", returncode=2)
        audience = resource_server().audience
        reports = [inspect(known[url], audience=audience) for url in options["issuer"] or known]
        self.stdout.write(json.dumps([report.document() for report in reports]) if options["json"] else _text(reports))
        if not all(report.usable for report in reports):
            raise CommandError("An issuer's tokens cannot be verified.", returncode=1)


def _text(reports: list[Report]) -> str:
    return "\n".join(line for report in reports for line in report.lines())
