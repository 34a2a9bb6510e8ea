"""`revoke_key`: a signing key must not be trusted any more."""

import json
from argparse import ArgumentParser
from contextlib import nullcontext, suppress
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from tokens import conf
from tokens.keys.errors import KeyProblem, UnknownKey
from tokens.keys.revocation import revoke
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.keys.trust import KeyRevocation
from tokens.management.arguments import EXIT_CODES, UNSAFE, USAGE, KeyCommand, duration, exit_codes
from tokens.models.key import Ring, SigningKey

LONGEST_REASON = SigningKey._meta.get_field("revoke_reason").max_length or 0


class Command(KeyCommand):
    """Parses, asks, calls `revoke`, prints."""

    help = (
        "Revoke a signing key: it leaves the JWKS, the standby takes over at once, its tokens are refused. A flush is"
        " planned as well: a second switch, to a key that no verifier knows yet."
    )
    notes = (
        EXIT_CODES
        + """
until when a verifier can accept a revoked key (docs/revoked-keys.md):
  it renews its copy of the JWKS        the instant that this command prints; at Keyturn's APIs, in seconds by the feed
  it fetches only for an unknown kid    its first token after the flush; manage.py flush_token makes it fetch now
  it reads a key file, or Open Liberty  until you replace the file, or restart it
"""
        + "\nAfter a leak of the encrypting key, put a new value first into KEY_ENCRYPTION_KEYS, then use --all.\n"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "kid", nargs="?", help="the key to revoke; the characters that manage.py keys prints are enough"
        )
        parser.add_argument("--all", action="store_true", help="every live key, standbys too")
        parser.add_argument("--ring", help="with --all: of this ring only (every ring)")
        parser.add_argument("--reason", required=True, help="kept with the key and in the audit trail")
        parser.add_argument(
            "--accept-outage", action="store_true", help="although APIs cannot have the next key yet and will refuse"
        )
        parser.add_argument(
            "--flush-after",
            type=duration,
            metavar="DURATION",
            help="flush earlier than after `announce` (48h in production), such as 10m: verifiers that fetch for an"
            " unknown kid lose nothing; others refuse good tokens while their copy of the JWKS lacks the new key",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object for each ring, a line each; goes with --yes"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Say what it will do, ask, do it."""
        refuse_nonsense(options)
        with exit_codes():
            rings = rings_of(options)
            if not options["yes"]:
                self._foretell(rings, options)
                if asked("Revoke? Type yes: ") != "yes":
                    raise CommandError("nothing was revoked", returncode=UNSAFE)
            self.for_each(rings, lambda ring: told(run(ring, options), options))

    def _foretell(self, rings: list[str], options: dict[str, Any]) -> None:
        """Print what would happen; where that is known of some rings only, those are asked about."""
        with suppress(KeyProblem) if len(rings) > 1 else nullcontext():
            self.for_each(rings, lambda ring: told(run(ring, options, pretend=True), options))


def refuse_nonsense(options: dict[str, Any]) -> None:
    """Raise CommandError for what does not go together, and for a reason that cannot be kept."""
    wrong = {
        "name one kid, or --all": bool(options["kid"]) == options["all"],
        "--ring goes with --all: a kid is of one ring": options["ring"] and not options["all"],
        "--json does not ask: add --yes": options["json"] and not options["yes"],
        "--reason is empty: say why, it is kept with the key": not options["reason"].strip(),
        f"--reason has {len(options['reason'])} characters, and {LONGEST_REASON} are kept; nothing was revoked": (
            len(options["reason"]) > LONGEST_REASON
        ),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise CommandError(message, returncode=USAGE)


def rings_of(options: dict[str, Any]) -> list[str]:
    """The rings that it is about: the one that is named, the kid's own (empty), or every one that has keys."""
    if options["ring"] or options["kid"]:
        return [options["ring"] or ""]
    rings = Ring.objects.filter(keys__isnull=False).distinct().values_list("name", flat=True)
    if not rings:
        raise UnknownKey("there is no key to revoke yet")
    return sorted(rings, key=lambda name: (name != DEFAULT_RING, name))


def asked(question: str) -> str:
    """What the operator answers; raises CommandError where there is nobody to answer."""
    try:
        return input(question)
    except EOFError:
        raise CommandError("there is no terminal to ask on, nothing was revoked: add --yes", returncode=USAGE) from None


def run(ring: str, options: dict[str, Any], *, pretend: bool = False) -> KeyRevocation:
    """Revoke the kid, or everything in `ring`, as the options say."""
    settings = conf.issuer()
    return revoke(
        options["kid"],
        ring=ring or None,
        reason=options["reason"],
        policy=settings.key_policy,
        encryption_keys=settings.encryption_keys(),
        actor="command:revoke_key",
        now=timezone.now(),
        flush_after=options["flush_after"],
        accept_outage=options["accept_outage"],
        dry_run=pretend,
    )


def told(revocation: KeyRevocation, options: dict[str, Any]) -> str:
    """What was done, or would be, to one ring."""
    if options["json"]:
        return json.dumps(asdict(revocation), cls=DjangoJSONEncoder)
    return f"ring {revocation.ring}\n{revocation}" if options["all"] else str(revocation)
