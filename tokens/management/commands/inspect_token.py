"""`inspect_token`: show a token's header, claims and key, and check the token against RFC 9068."""

import json
import sys
from argparse import SUPPRESS, ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens import conf
from tokens.inspection import key_source
from tokens.inspection.report import Inspection, NoToken, inspect
from tokens.inspection.requirements import Point
from tokens.inspection.signature_trial import VerificationKey
from tokens.keys import store
from tokens.management.operator_command import OperatorCommand
from tokens.outbound import FetchError

USAGE, NONCONFORMING, UNREACHABLE = 2, 3, 4
NOTES = """
The token is read from standard input, to keep it out of the shell's history and the list of processes:
  inspect_token < token.txt
  inspect_token --issuer https://issuer.example < token.txt      another issuer's token, by its published keys

exit codes:
  0  the token is a valid RFC 9068 access token
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or the input is not a JWT
  3  a check failed; the list shows which
  4  the issuer's keys cannot be fetched
"""


class Command(OperatorCommand):
    """Inspects the token on standard input and prints the checks."""

    help = "Show a token's header and claims and the phase of its key, and check each requirement of RFC 9068."
    notes = NOTES
    has_own_codes = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("token", nargs="?", help=SUPPRESS)
        parser.add_argument(
            "--issuer", metavar="URL", help="another issuer, whose keys are fetched (default: this issuer)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Inspect the token on standard input and print the checks. Raises CommandError if a check failed."""
        if options["token"] is not None:  # accepted by the parser, whose own error would print the token
            raise CommandError("pass the token on standard input: inspect_token < token.txt", returncode=USAGE)
        if sys.stdin.isatty():
            self.stderr.write("Paste the token, then press Ctrl-D.")
        issuer = options["issuer"] or conf.issuer().url
        try:
            keys = self._keys(options["issuer"])
            inspection = inspect(read(), issuer=issuer, keys=keys, now=timezone.now())
        except NoToken as error:
            raise CommandError(f"this is not a token: {error}", returncode=USAGE) from error
        except FetchError as error:
            raise CommandError(f"the keys of {issuer} cannot be fetched: {error}", returncode=UNREACHABLE) from error
        if options["issuer"] is None:
            inspection = key_source.with_revocation(inspection)
        as_json = options["json"]
        self.stdout.write(json.dumps(_json(inspection), cls=DjangoJSONEncoder) if as_json else text(inspection))
        if not inspection.conforms:
            failed = sum(not (point.holds or point.is_advice) for point in inspection.points)
            raise CommandError(f"{failed} of {len(inspection.points)} checks failed", returncode=NONCONFORMING)

    def _keys(self, issuer: str | None) -> list[VerificationKey]:
        if issuer is None:
            return key_source.of_this_issuer(now=store.database_now())
        return key_source.foreign(issuer, allow_private=conf.issuer().is_development)


def read() -> str:
    """Return the token on standard input. Raises NoToken if the input is not text."""
    try:
        return sys.stdin.read().strip().removeprefix("Bearer ")
    except UnicodeDecodeError:
        raise NoToken("it is not text") from None


def text(inspection: Inspection) -> str:
    """Return the inspection as text."""
    lines = ["header", json.dumps(inspection.header, indent=2), "claims", json.dumps(inspection.claims, indent=2)]
    lines += [f"key        {inspection.key_phase}", f"signature  {inspection.signature}", ""]
    lines += [f"{_verdict(point)}  {point.name:38} {point.detail}   ({point.source})" for point in inspection.points]
    return "\n".join(lines)


def _verdict(point: Point) -> str:
    return "ok  " if point.holds else "note" if point.is_advice else "FAIL"


def _json(inspection: Inspection) -> dict[str, Any]:
    return {
        "conforms": inspection.conforms,
        "header": dict(inspection.header),
        "claims": dict(inspection.claims),
        "key": inspection.key_phase,
        "signature": inspection.signature,
        "points": [point.members() for point in inspection.points],
    }
