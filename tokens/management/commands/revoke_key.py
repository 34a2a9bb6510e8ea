"""`revoke_key`: revoke one signing key, every live key of a key ring, or every live key.

1. Refuse options that do not go together, and a reason that cannot be stored.
2. Print the consequences for each key ring, computed by a dry run, and ask for confirmation.
3. Revoke. If an error can be specific to one ring, continue with the next ring.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error
from django.utils import timezone

from tokens.keys import rings
from tokens.keys.errors import KeyProblem, UnknownKey
from tokens.keys.revocation import revoke
from tokens.keys.trust import KeyRevocation
from tokens.management.arguments import confirm, duration, operation
from tokens.management.exit_codes import EXIT_CODES, UNSAFE, USAGE, is_of_one_ring
from tokens.management.operator_command import KeyCommand
from tokens.models.key import SigningKey

LONGEST_REASON = SigningKey._meta.get_field("revoke_reason").max_length or 0


class Command(KeyCommand):
    """Prints the consequences of a revocation, asks the operator, and revokes the key or keys."""

    help = (
        "Revoke a signing key: the key leaves the JWKS, the standby takes over at once, and its tokens are refused."
        " A flush is planned as well: a second switch, to a key that no verifier has yet."
    )
    notes = (
        EXIT_CODES
        + """
how long a verifier can accept a revoked key (docs/revoked-keys.md):
  renews its copy of the JWKS       until the time that this command prints; with Keyturn's feed, for seconds
  fetches only for an unknown kid   the time does not hold (RabbitMQ, Vault, go-oidc, Quarkus, PyJWT): until its first
                                    token after the flush. Run: flush_token IDENTIFIER --url URL | sh
  reads a key file                  the time does not hold (Dovecot, HAProxy): replace the file, and reload HAProxy
  Open Liberty                      the time does not hold: restart it
"""
        + "\nAfter a leak of the encrypting key, put a new value at the front of KEY_ENCRYPTION_KEYS, then use --all.\n"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments and options of this command to `parser`."""
        parser.add_argument(
            "kid", nargs="?", help="the key to revoke; can be shortened to the characters that manage.py keys prints"
        )
        parser.add_argument("--all", action="store_true", help="revoke every live key, including standbys")
        parser.add_argument("--ring", help="with --all: only the keys of this ring (default: every ring)")
        parser.add_argument("--reason", required=True, help="stored with the key and in the audit trail")
        parser.add_argument(
            "--accept-outage",
            action="store_true",
            help="revoke although APIs do not have the next key yet and will refuse new tokens",
        )
        parser.add_argument(
            "--flush-after",
            type=duration,
            metavar="DURATION",
            help="flush after this time, such as 10m, instead of `announce` (48h in production); verifiers that do not"
            " fetch for an unknown kid refuse valid tokens while their copy of the JWKS lacks the new key",
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            help="do not ask for confirmation; required if standard input is not a terminal",
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object for each ring, each on a line; needs --yes"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the consequences, ask the operator, and revoke the key, or the keys of each key ring."""
        check_options(options)
        names = rings_of(options)
        if not options["yes"]:
            self._preview(names, options)
            if not confirm("Revoke? Type yes: "):
                raise CommandError("nothing was revoked", returncode=UNSAFE)
        self.for_each(names, lambda ring: text(run(ring, options), options))

    def _preview(self, names: list[str], options: dict[str, Any]) -> None:
        """Print the consequences of a revocation in each key ring, computed by a dry run.

        If there is only one ring, raises the error of the dry run. If there are several rings, prints an error that
        can be specific to one ring (`is_of_one_ring`) and continues with the next ring, but raises any other error.
        """
        try:
            self.for_each(names, lambda ring: text(run(ring, options, dry_run=True), options))
        except (KeyProblem, Error) as error:
            # With several rings, an error in one must not prevent the revocation in the others.
            if len(names) == 1 or not is_of_one_ring(error):
                raise


def check_options(options: dict[str, Any]) -> None:
    """Raise CommandError for options that do not go together, and for a reason that cannot be stored."""
    wrong = {
        "pass either one kid or --all": (options["kid"] is not None) == options["all"],
        "--ring needs --all: a kid belongs to one ring": options["ring"] is not None and not options["all"],
        "--json cannot ask for confirmation: add --yes": options["json"] and not options["yes"],
        "--reason is empty: enter a reason, which is stored with the key": not options["reason"].strip(),
        f"--reason has {len(options['reason'])} characters, and at most {LONGEST_REASON} can be stored": (
            len(options["reason"]) > LONGEST_REASON
        ),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise CommandError(message, returncode=USAGE)


def rings_of(options: dict[str, Any]) -> list[str]:
    """Return the names of the key rings to process: the ring that the operator named, or every ring that has keys.

    If the operator named a kid, returns [""], and `run` finds the ring of the key. Raises UnknownKey if the operator
    named neither a ring nor a kid, and no ring has a key.
    """
    if options["ring"] is not None or options["kid"] is not None:
        return [options["ring"] or ""]
    if names := rings.with_keys():
        return names
    raise UnknownKey("there is no key to revoke")


def run(ring: str, options: dict[str, Any], *, dry_run: bool = False) -> KeyRevocation:
    """Revoke the key with the kid that the operator named, or every live key of `ring`.

    With `dry_run`, only computes the consequences.
    """
    return revoke(
        operation("command:revoke_key", now=timezone.now()),
        options["kid"],
        ring=ring or None,
        reason=options["reason"],
        flush_after=options["flush_after"],
        accept_outage=options["accept_outage"],
        dry_run=dry_run,
    )


def text(revocation: KeyRevocation, options: dict[str, Any]) -> str:
    """Return the result of `run` for one key ring, as JSON if --json is set, else as text."""
    if options["json"]:
        return json.dumps(revocation.members(), cls=DjangoJSONEncoder)
    return f"ring {revocation.ring}\n{revocation}" if options["all"] else str(revocation)
