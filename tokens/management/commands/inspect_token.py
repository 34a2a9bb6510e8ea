"""`inspect_token`: what a token says, who signed it, and whether it is what RFC 9068 asks for."""

import json
import sys
from argparse import SUPPRESS, ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens import conf
from tokens.inspection import key_source
from tokens.inspection.report import Inspection, NoToken, Point, inspect
from tokens.inspection.signature_trial import VerificationKey
from tokens.keys import store
from tokens.management.arguments import OperatorCommand
from tokens.outbound import FetchError

USAGE, UNFIT, UNREACHED = 2, 3, 4
NOTES = """
The token is read from standard input, so that it stands in no history and no list of processes:
  inspect_token < token.txt
  inspect_token --issuer https://issuer.example < token.txt      any issuer's, by its published keys

exit codes:
  0  an access token of RFC 9068, well signed and alive
  2  the command was used wrongly, or what was read is no JWT
  3  some point does not hold; the list says which
  4  the issuer's keys could not be fetched
"""


class Command(OperatorCommand):
    """Reads, calls `inspect`, prints."""

    help = "Show a token's header and claims, the phase of its key, and RFC 9068 point by point."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("token", nargs="?", help=SUPPRESS)
        parser.add_argument("--issuer", metavar="URL", help="another issuer, whose keys are fetched (this one)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Inspect what standard input holds."""
        if options["token"] is not None:  # it is not repeated: argparse would
            raise CommandError("the token is read from standard input: inspect_token < token.txt", returncode=USAGE)
        if sys.stdin.isatty():
            self.stderr.write("Paste the token, then press Ctrl-D.")
        issuer = options["issuer"] or conf.issuer().url
        try:
            found = inspect(read(), issuer=issuer, keys=self._keys(options["issuer"]), now=timezone.now())
        except NoToken as error:
            raise CommandError(f"this is no token: {error}", returncode=USAGE) from error
        except FetchError as error:
            raise CommandError(f"the keys of {issuer} cannot be had: {error}", returncode=UNREACHED) from error
        if options["issuer"] is None:
            found = key_source.with_revocation(found)
        self.stdout.write(json.dumps(_json(found), cls=DjangoJSONEncoder) if options["json"] else said(found))
        if not found.conforms:
            failed = sum(not (point.holds or point.is_advice) for point in found.points)
            raise CommandError(f"{failed} of {len(found.points)} points do not hold", returncode=UNFIT)

    def _keys(self, issuer: str | None) -> list[VerificationKey]:
        if issuer is None:
            return key_source.own(now=store.database_now())
        return key_source.foreign(issuer, allow_private=settings.DEBUG)


def read() -> str:
    """The token that standard input holds; raises NoToken."""
    try:
        return sys.stdin.read().strip().removeprefix("Bearer ")
    except UnicodeDecodeError:
        raise NoToken("it is no text") from None


def said(found: Inspection) -> str:
    """The inspection for people."""
    lines = ["header", json.dumps(found.header, indent=2), "claims", json.dumps(found.claims, indent=2)]
    lines += [f"key        {found.key_phase}", f"signature  {found.signature}", ""]
    lines += [f"{_verdict(point)}  {point.name:38} {point.told}   ({point.source})" for point in found.points]
    return "\n".join(lines)


def _verdict(point: Point) -> str:
    return "ok  " if point.holds else "note" if point.is_advice else "FAIL"


def _json(found: Inspection) -> dict[str, Any]:
    return {
        "conforms": found.conforms,
        "header": dict(found.header),
        "claims": dict(found.claims),
        "key": found.key_phase,
        "signature": found.signature,
        "points": [asdict(point) for point in found.points],
    }
