"""`rotate_keys`: take the next step of the key rotation, if a step is due, in each ring of signing keys."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens.audit import jobs
from tokens.factors import renewal
from tokens.jose.key_format import ALGORITHMS
from tokens.keys import rings, store
from tokens.keys.cancellation import cancel
from tokens.keys.material import RSA_BITS
from tokens.keys.operation import Outcome
from tokens.keys.private_keys import NAMES
from tokens.keys.rewrap import rewrap
from tokens.keys.rings import RingKind
from tokens.keys.rotation import rotate
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.transfer import Planned, move
from tokens.management.arguments import instant, operation
from tokens.management.exit_codes import EXIT_CODES, USAGE
from tokens.management.operator_command import KeyCommand

ACTOR = "command:rotate_keys"


class Command(KeyCommand):
    """Takes the next rotation step of each key ring, cancels an announced key, or moves an API to a ring.

    With --rewrap, encrypts keys again under the first entry of KEY_ENCRYPTION_KEYS.
    """

    help = "Take the next safe step of the signing keys: create the first key and its standby, or switch when due."
    notes = f"""{EXIT_CODES}
Run it from cron, for example hourly. Each run takes at most one step for each ring, and only if the step is due.

To sign one API's tokens with a ring of its own:
  rotate_keys --ring orders --algorithm ES256     creates the ring and announces its first key
  rotate_keys --ring orders --move https://orders.example/    plans when the ring starts to sign for the API; configure
                                                  the API to read /.well-known/jwks/orders.json before then
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument(
            "--now", action="store_true", help="switch at the earliest safe time, even if the signing key is not due"
        )
        parser.add_argument(
            "--ring", help="only this ring (default: every ring; the ring `default` is created if missing)"
        )
        parser.add_argument("--dry-run", action="store_true", help="print what would happen, and change nothing")
        parser.add_argument(
            "--at",
            type=instant,
            metavar="TIME",
            help="with --dry-run: print what would happen at this time (2027-01-31T12:00Z)",
        )
        parser.add_argument(
            "--rewrap",
            action="store_true",
            help="encrypt every key and second factor again, under the first of KEY_ENCRYPTION_KEYS",
        )
        parser.add_argument(
            "--cancel",
            metavar="KID",
            help="cancel an announced key before it signs; KID can be shortened",
        )
        self._add_ring(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object for each ring, each on a line")

    def _add_ring(self, parser: ArgumentParser) -> None:
        """Add the options that create a key ring, or move an API from its key ring to another."""
        parser.add_argument("--move", metavar="API", help="with --ring: plan that this ring signs for the API")
        parser.add_argument("--algorithm", choices=ALGORITHMS, help="with --ring: create a ring with this algorithm")
        parser.add_argument(
            "--bits", type=int, choices=RSA_BITS, help="with --ring: size of a new ring's RSA keys (2048)"
        )
        parser.add_argument(
            "--keystore", choices=NAMES, help="with --ring: where a new ring's private keys are stored (database)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Call `run` for each key ring and print the results. If one ring fails, continue with the others (`for_each`).

        With --rewrap, also encrypts the secrets of second factors again.
        """
        check_options(options)
        try:
            self.for_each(rings_of(options), lambda ring: text(run(ring, options), options))
            if is_the_job(options):
                jobs.note("rotate_keys", now=store.database_now())
            if options["rewrap"]:
                self._renew_factors(options)
        except OverflowError as error:
            raise CommandError(
                "--at is too close to the first or last date of the calendar", returncode=USAGE
            ) from error

    def _renew_factors(self, options: dict[str, Any]) -> None:
        """Encrypt the secrets of second factors again, under the first entry of KEY_ENCRYPTION_KEYS.

        Skips secrets that are encrypted under this entry already. Prints how many were encrypted and how many do not
        decrypt, unless both numbers are 0 or --json is set.
        """
        renewed, lost = renewal.renew()
        if (renewed or lost) and not options["json"]:
            note = f"; {lost} do not decrypt: their users set them up again" if lost else ""
            self.stdout.write(f"second factors encrypted again: {renewed}{note}")


def is_the_job(options: dict[str, Any]) -> bool:
    """Return True if the options let the command take the next step of every key ring, as a cron job does."""
    return not any(options[name] for name in ("ring", "dry_run", "rewrap", "cancel"))


def check_options(options: dict[str, Any]) -> None:
    """Raise CommandError for options that do not go together."""
    creates_ring = options["algorithm"] or options["bits"] or options["keystore"]
    wrong = {
        "--at needs --dry-run: changes always happen now": options["at"] and not options["dry_run"],
        "--rewrap can only be combined with --ring and --json": options["rewrap"]
        and (options["now"] or options["dry_run"] or creates_ring),
        "--cancel can only be combined with --json": options["cancel"]
        and (options["now"] or options["dry_run"] or options["rewrap"] or options["ring"] or creates_ring),
        "--move needs --ring, the ring that is to sign for the API": options["move"] and not options["ring"],
        "--move can only be combined with --ring, --dry-run and --json": options["move"]
        and (options["now"] or options["at"] or options["rewrap"] or creates_ring),
        "--algorithm, --bits and --keystore need --ring": creates_ring and not options["ring"],
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise CommandError(message, returncode=USAGE)


def rings_of(options: dict[str, Any]) -> list[str]:
    """Return the names of the key rings to process: the ring of --ring, or else every ring.

    The default ring comes first, and is in the list even if it does not exist yet.

    With --cancel, returns only the default ring, so that `run` is called once. `run` then ignores the name, because
    the kid of the key to cancel determines the ring.
    """
    if options["ring"]:
        return [options["ring"]]
    if options["cancel"]:
        return [DEFAULT_RING]  # one call of `run`, which ignores the name: `cancel` finds the ring of the kid
    return rings.to_rotate()


def run(ring: str, options: dict[str, Any]) -> Outcome | Planned:
    """Change the key ring `ring` as the options say.

    With --rewrap, encrypts the ring's keys again under the first encrypting key. With --cancel, cancels an announced
    key. With --move, moves an API to the ring. Otherwise, takes the next step of the rotation.
    """
    step = operation(ACTOR, now=timezone.now())
    if options["rewrap"]:
        return rewrap(step, ring)
    if options["cancel"]:
        return cancel(step, options["cancel"])
    if options["move"]:
        return move(step, options["move"], ring, dry_run=options["dry_run"])
    return rotate(
        step,
        ring,
        kind=RingKind(algorithm=options["algorithm"], bits=options["bits"], keystore=options["keystore"]),
        early=options["now"],
        dry_run=options["dry_run"],
        at=options["at"],
    )


def text(outcome: Outcome | Planned, options: dict[str, Any]) -> str:
    """Return the outcome as one line of text or, with --json, as a JSON object."""
    if options["json"]:
        return json.dumps(asdict(outcome), cls=DjangoJSONEncoder)
    sentence = _sentence(outcome)
    return f"dry run, nothing was changed: {sentence}" if options["dry_run"] else sentence


def _sentence(outcome: Outcome | Planned) -> str:
    if isinstance(outcome, Planned):
        return str(outcome)
    ring = "" if outcome.ring == DEFAULT_RING else f"{outcome.ring}: "
    at = f" {outcome.at:%Y-%m-%d %H:%M:%S} UTC" if outcome.at else ""
    kid = f" (kid {outcome.kid})" if outcome.kid else ""
    return f"{ring}{outcome.message}{at}{kid}{_shown(outcome)}"


def _shown(outcome: Outcome) -> str:
    """Return a text with the announced key and the time from which every process publishes it in the JWKS.

    Returns "" if the step announced no key.
    """
    if outcome.announced is None or outcome.shown_from is None:
        return ""
    return f"; {outcome.announced} is in the JWKS from {outcome.shown_from:%Y-%m-%d %H:%M:%S} UTC on"
