"""`revoke_tokens`: revoke many tokens, or one.

The target is the issuer (all tokens), a client, a user, a client together with a user, a grant, or a single token.

1. Find the target. Refuse zero targets, several targets, and a target that does not exist.
2. Count the grants and users, print the counts, and ask for confirmation.
3. Revoke.
"""

import json
import re
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from tokens.management.arguments import confirm, find_client, find_user
from tokens.management.exit_codes import UNSAFE, USAGE
from tokens.management.operator_command import OperatorCommand
from tokens.models import UserGrant
from tokens.revoking import bulk
from tokens.revoking.bulk import BulkTarget

ACTOR = "command:revoke_tokens"
JTI = re.compile(r"[A-Za-z0-9_-]{1,255}")
NOTES = """
  revoke_tokens --user ada --dry-run              count what would be revoked
  revoke_tokens --user ada                        log the user out everywhere; the user can log in again
  revoke_tokens --client webapp                   every token of the client; it stays registered
  revoke_tokens --client webapp --user ada        the client's tokens for this user
  revoke_tokens --all --reason "breach" --yes     log all users out, with one entry in the revocation feed

User grants are revoked as well, with their refresh tokens. APIs that follow the revocation feed refuse the access
tokens from their next poll on; other APIs accept them until they expire. For a stolen signing key, use revoke_key.

exit codes:
  0  done, or counted (--dry-run)
  1  the settings or the database cannot be used, or a migration is missing
  2  wrong usage, or there is no such user, client or grant
  3  not confirmed, or refused because of what the database contains
  4  another process held a lock, or the database interrupted the command or was busy: run it again
"""


LONGEST_REASON = UserGrant._meta.get_field("revoke_reason").max_length or 0


class Command(OperatorCommand):
    """Counts the affected grants and users, asks the operator, and revokes the tokens."""

    help = "Revoke access tokens together with their user grants and refresh tokens."
    notes = NOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of this command to `parser`."""
        parser.add_argument("--all", action="store_true", help="revoke everything issued so far")
        parser.add_argument("--user", metavar="NAME", help="username, e-mail address or sub")
        parser.add_argument("--client", metavar="ID", help="client_id; with --user: only the tokens of this user")
        parser.add_argument("--grant", metavar="UUID", help="a user grant, by the grant_id in its tokens")
        parser.add_argument("--jti", metavar="ID", help="an access token, by its jti")
        parser.add_argument(
            "--reason", default="revoked by command", help="stored in the audit trail and with the grants"
        )
        parser.add_argument("--dry-run", action="store_true", help="count what would be revoked, and revoke nothing")
        parser.add_argument(
            "--yes",
            action="store_true",
            help="do not ask for confirmation; required if standard input is not a terminal",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print what would be revoked, ask the operator, and revoke the tokens."""
        if len(options["reason"]) > LONGEST_REASON:
            problem = f"--reason has {len(options['reason'])} characters, and at most {LONGEST_REASON} can be stored"
            raise CommandError(problem, returncode=USAGE)
        target = find(options)
        counts = bulk.preview(target)
        if not options["dry_run"]:
            if not options["yes"]:
                self._confirm(target, counts)
            counts = bulk.revoke(target, reason=options["reason"], actor=ACTOR)
        user = {"user": target.user.get_username()} if target.user and target.client else {}
        result = {"dry_run": options["dry_run"], "target": target.subject, **user, **counts}
        self.stdout.write(json.dumps(result) if options["json"] else f"{_verb(options)} {_summary(target, counts)}")

    def _confirm(self, target: BulkTarget, counts: dict[str, int]) -> None:
        """Print what would be revoked, and ask. Raises CommandError unless the answer is yes."""
        self.stderr.write(f"About to revoke {_summary(target, counts)}")
        if not confirm("Type yes to continue: "):
            raise CommandError("not confirmed, nothing was revoked", returncode=UNSAFE)


def find(options: dict[str, Any]) -> BulkTarget:
    """Return the target that the options name.

    Raises CommandError if there is no target or more than one, or if the target does not exist.
    """
    named = {name for name in ("all", "user", "client", "grant", "jti") if options[name]}
    if len(named) != 1 and named != {"user", "client"}:
        message = (
            "pass exactly one of --all, --user, --client, --grant and --jti; only --user and --client can be combined"
        )
        raise CommandError(message, returncode=USAGE)
    return BulkTarget(
        everything=options["all"],
        user=find_user(options["user"]) if options["user"] else None,
        client=find_client(options["client"]) if options["client"] else None,
        user_grant=_grant(options["grant"]) if options["grant"] else None,
        token_id=_token_id(options["jti"]) if options["jti"] else "",
    )


def _grant(text: str) -> UserGrant:
    """Return the user grant with the id `text`. Raises CommandError if there is none."""
    with suppress(ValueError):
        if grant := UserGrant.objects.filter(pk=UUID(text)).first():
            return grant
    raise CommandError(f"there is no grant {text}. inspect_token shows the grant_id of a token", returncode=USAGE)


def _token_id(text: str) -> str:
    """Return `text` if it can be a jti. Raises CommandError if it cannot."""
    if not JTI.fullmatch(text):
        # The message does not repeat the text, which can be a token.
        raise CommandError("--jti: this is not a jti. To see the jti of a token, run inspect_token", returncode=USAGE)
    return text


def _verb(options: dict[str, Any]) -> str:
    return "would revoke" if options["dry_run"] else "revoked"


def _summary(target: BulkTarget, counts: dict[str, int]) -> str:
    owner = f" for user:{target.user.get_username()}" if target.user and target.client else ""
    return (
        f"the tokens of {target.subject}{owner}: {counts['grants']} user grants,"
        f" {counts['users']} users logged out everywhere"
    )
