"""`rotate_keys`: take the one next safe step of the signing keys, or do nothing."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens import conf
from tokens.jose.key_format import ALGORITHMS
from tokens.keys.cancellation import cancel
from tokens.keys.keystore import NAMES
from tokens.keys.material import RSA_BITS
from tokens.keys.rewrap import rewrap
from tokens.keys.rings import RingKind
from tokens.keys.rotation import Outcome, rotate
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.transfer import Planned, move
from tokens.management.arguments import EXIT_CODES, USAGE, KeyCommand, exit_codes, instant
from tokens.models.key import Ring

ACTOR = "command:rotate_keys"


class Command(KeyCommand):
    """Parses, calls `rotate`, `rewrap`, `cancel` or `move`, prints."""

    help = "Take the next safe step of the signing keys: create the first key and its standby, or switch when due."
    notes = f"""{EXIT_CODES}
Run it from cron as often as you like (hourly is usual): at most one step of each ring a run, and only when one is due.

A further ring, that one API's tokens are signed by and nothing else:
  rotate_keys --ring orders --algorithm ES256     makes it; its first key is announced
  rotate_keys --ring orders --move https://orders.example/    plans when it signs for that API; let the API read
                                                  /.well-known/jwks/orders.json before then
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--now", action="store_true", help="switch at the earliest safe instant, although the signing key is young"
        )
        parser.add_argument("--ring", help="only this ring (every ring, and the default one is made)")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
        parser.add_argument(
            "--at", type=instant, metavar="TIME", help="with --dry-run: what would happen then (2027-01-31T12:00Z)"
        )
        parser.add_argument(
            "--rewrap", action="store_true", help="seal every key anew under the first of KEY_ENCRYPTION_KEYS"
        )
        parser.add_argument(
            "--cancel",
            metavar="KID",
            help="cancel an announced key before it signs; KID may be shortened",
        )
        parser.add_argument("--move", metavar="API", help="with --ring: plan that this ring signs for the API")
        parser.add_argument("--algorithm", choices=ALGORITHMS, help="with --ring: make a ring of this algorithm")
        parser.add_argument("--bits", type=int, choices=RSA_BITS, help="of a new ring's RSA keys (2048)")
        parser.add_argument("--keystore", choices=NAMES, help="where a new ring's private halves shall be (database)")
        parser.add_argument("--json", action="store_true", help="print one JSON object for each ring, a line each")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take one step of each ring that is asked for, and say which; one that fails stops no other."""
        refuse_nonsense(options)
        try:
            with exit_codes():
                self.for_each(rings_of(options), lambda ring: told(run(ring, options), options))
        except OverflowError as error:
            raise CommandError("--at is too near an end of the calendar", returncode=USAGE) from error


def refuse_nonsense(options: dict[str, Any]) -> None:
    """Raise CommandError for options that do not go together."""
    making = options["algorithm"] or options["bits"] or options["keystore"]
    wrong = {
        "--at goes with --dry-run only: nothing is changed at another time": options["at"] and not options["dry_run"],
        "--rewrap goes with --ring and --json only": options["rewrap"]
        and (options["now"] or options["dry_run"] or making),
        "--cancel goes with --json only": options["cancel"]
        and (options["now"] or options["dry_run"] or options["rewrap"] or options["ring"] or making),
        "--move needs the --ring to move to": options["move"] and not options["ring"],
        "--move goes with --ring, --dry-run and --json only": options["move"]
        and (options["now"] or options["at"] or options["rewrap"] or options["cancel"] or making),
        "--algorithm, --bits and --keystore need a --ring": making and not options["ring"],
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise CommandError(message, returncode=USAGE)


def rings_of(options: dict[str, Any]) -> list[str]:
    """The ring that is named, or every ring that there is: the default one first, even before it is made."""
    if options["ring"]:
        return [options["ring"]]
    if options["cancel"]:
        return [DEFAULT_RING]  # a kid names its ring itself
    return [DEFAULT_RING, *Ring.objects.exclude(name=DEFAULT_RING).order_by("name").values_list("name", flat=True)]


def run(ring: str, options: dict[str, Any]) -> Outcome | Planned:
    """Do to `ring` what the options ask for."""
    settings = conf.issuer()
    keys = settings.encryption_keys()
    if options["rewrap"]:
        return rewrap(ring, encryption_keys=keys, actor=ACTOR)
    if options["cancel"]:
        return cancel(
            options["cancel"], policy=settings.key_policy, encryption_keys=keys, actor=ACTOR, now=timezone.now()
        )
    if options["move"]:
        return move(
            options["move"],
            ring,
            policy=settings.key_policy,
            encryption_keys=keys,
            actor=ACTOR,
            now=timezone.now(),
            dry_run=options["dry_run"],
        )
    return rotate(
        ring,
        policy=settings.key_policy,
        encryption_keys=keys,
        actor=ACTOR,
        now=timezone.now(),
        kind=RingKind(algorithm=options["algorithm"], bits=options["bits"], keystore=options["keystore"]),
        early=options["now"],
        dry_run=options["dry_run"],
        at=options["at"],
    )


def told(outcome: Outcome | Planned, options: dict[str, Any]) -> str:
    """The outcome as one line; of a dry run, that it is none."""
    if options["json"]:
        return json.dumps(asdict(outcome), cls=DjangoJSONEncoder)
    told = _sentence(outcome)
    return f"dry run, nothing was changed: {told}" if options["dry_run"] else told


def _sentence(outcome: Outcome | Planned) -> str:
    if isinstance(outcome, Planned):
        return str(outcome)
    ring = "" if outcome.ring == DEFAULT_RING else f"{outcome.ring}: "
    at = f" {outcome.at:%Y-%m-%d %H:%M:%S} UTC" if outcome.at else ""
    kid = f" (kid {outcome.kid})" if outcome.kid else ""
    return f"{ring}{outcome.message}{at}{kid}"
