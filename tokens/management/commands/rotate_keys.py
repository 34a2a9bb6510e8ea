"""`rotate_keys`: take the one next safe step of the signing keys, or do nothing."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens import conf
from tokens.keys.rotation import DEFAULT_RING, Outcome, rewrap, rotate
from tokens.management.arguments import USAGE, KeyCommand, exit_codes

ACTOR = "command:rotate_keys"


class Command(KeyCommand):
    """Parses, calls `rotate` or `rewrap`, prints."""

    help = "Take the next safe step of the signing keys: create the first key and its standby, or switch when due."
    notes = (
        "\nRun it from cron as often as you like (hourly is usual): at most one step a run, and only when one is due.\n"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--now", action="store_true", help="switch at the earliest safe instant, although the signing key is young"
        )
        parser.add_argument("--ring", default=DEFAULT_RING, help="the ring to take a step of (%(default)s)")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
        parser.add_argument(
            "--at", type=instant, metavar="TIME", help="with --dry-run: what would happen then (2027-01-31T12:00Z)"
        )
        parser.add_argument(
            "--rewrap", action="store_true", help="seal every key anew under the first of KEY_ENCRYPTION_KEYS"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take one step and say which."""
        if options["at"] and not options["dry_run"]:
            raise CommandError("--at goes with --dry-run only: nothing is changed at another time", returncode=USAGE)
        if options["rewrap"] and (options["now"] or options["dry_run"]):
            raise CommandError("--rewrap goes with --ring and --json only", returncode=USAGE)
        with exit_codes():
            outcome = self._run(options)
        self.stdout.write(json.dumps(asdict(outcome), cls=DjangoJSONEncoder) if options["json"] else said(outcome))

    def _run(self, options: dict[str, Any]) -> Outcome:
        settings = conf.issuer()
        if options["rewrap"]:
            return rewrap(options["ring"], encryption_keys=settings.encryption_keys(), actor=ACTOR)
        return rotate(
            options["ring"],
            policy=settings.key_policy,
            encryption_keys=settings.encryption_keys(),
            actor=ACTOR,
            now=timezone.now(),
            hurry=options["now"],
            pretend=options["dry_run"],
            at=options["at"],
        )


def instant(text: str) -> datetime:
    """An ISO 8601 date and time; without an offset it is UTC."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time like 2027-01-31T12:00Z") from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def said(outcome: Outcome) -> str:
    """The outcome as one line."""
    at = f" {outcome.at:%Y-%m-%d %H:%M:%S} UTC" if outcome.at else ""
    kid = f" (kid {outcome.kid})" if outcome.kid else ""
    return f"{outcome.message}{at}{kid}"
