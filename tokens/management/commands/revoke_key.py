"""`revoke_key`: a signing key must not be trusted any more."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens import conf
from tokens.keys.moves import DEFAULT_RING
from tokens.keys.revocation import Revocation, revoke
from tokens.management.arguments import UNSAFE, USAGE, KeyCommand, exit_codes


class Command(KeyCommand):
    """Parses, asks, calls `revoke`, prints."""

    help = "Revoke a signing key: it leaves the JWKS, the standby takes over at once, and its tokens are refused."
    notes = "\nAfter a leak of the encrypting key, put a new value first into KEY_ENCRYPTION_KEYS, then use --all.\n"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("kid", nargs="?", help="the key to revoke; manage.py keys lists them")
        parser.add_argument("--all", action="store_true", help="every live key of the ring, standbys too")
        parser.add_argument("--ring", default=DEFAULT_RING, help="with --all: which ring (%(default)s)")
        parser.add_argument("--reason", required=True, help="kept with the key and in the audit trail")
        parser.add_argument(
            "--accept-outage", action="store_true", help="although APIs cannot have the next key yet and will refuse"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print one JSON object; goes with --yes")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Say what it will do, ask, do it."""
        if bool(options["kid"]) == options["all"]:
            raise CommandError("name one kid, or --all", returncode=USAGE)
        if options["json"] and not options["yes"]:
            raise CommandError("--json does not ask: add --yes", returncode=USAGE)
        with exit_codes():
            if not options["yes"]:
                self.stdout.write(str(self._revoke(options, pretend=True)))
                if input("Revoke? Type yes: ") != "yes":
                    raise CommandError("nothing was revoked", returncode=UNSAFE)
            done = self._revoke(options)
        self.stdout.write(json.dumps(asdict(done), cls=DjangoJSONEncoder) if options["json"] else str(done))

    def _revoke(self, options: dict[str, Any], *, pretend: bool = False) -> Revocation:
        settings = conf.issuer()
        return revoke(
            options["kid"],
            ring=options["ring"] if options["all"] else None,
            reason=options["reason"],
            policy=settings.key_policy,
            encryption_keys=settings.encryption_keys(),
            actor="command:revoke_key",
            now=timezone.now(),
            accept_outage=options["accept_outage"],
            pretend=pretend,
        )
